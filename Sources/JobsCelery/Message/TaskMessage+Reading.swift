import DashJSON

extension TaskMessage {
    /// Reads a message of protocol 2 or, when the header `task` is missing, of protocol 1.
    ///
    /// What a good worker can do without may be missing or null: time limits, retries, embedded signatures, display
    /// texts. What follows is refused rather than guessed.
    ///
    /// - Throws: `CeleryError` with `.malformed`, or `.contentType` for a serialisation or compression that is not
    ///   accepted. Its `taskID` is set when the message tells an id, so that the sender can be told of the failure.
    init(_ raw: RawTask) throws(CeleryError) {
        do throws(CeleryError) {
            if raw.headers["task"] == nil {
                try self.init(protocolOne: raw)
            } else {
                try self.init(protocolTwo: raw)
            }
        } catch {
            var error = error
            error.taskID = error.taskID ?? raw.taskID
            throw error
        }
    }

    private init(protocolTwo raw: RawTask) throws(CeleryError) {
        guard let name = raw.taskName else { throw .malformed("The header task is no text.") }
        guard let id = raw.headers["id"]?.stringValue, !id.isEmpty else {
            throw .malformed("The message of task \(name) has no header id, or one that is no text.")
        }
        let body = try MessageBody(raw)
        self.init(task: name, id: id, arguments: body.arguments, keywords: body.keywords)
        try readFields(of: raw.headers)
        try readEmbedded(body.embedded)
        custom = JSONObject(raw.headers.filter { !Self.ownHeaders.contains($0.key) })
        readProperties(of: raw)
    }

    /// What stands beside the headers.
    mutating func readProperties(of raw: RawTask) {
        replyTo = raw.replyTo
        priority = raw.priority
        isRedelivered = raw.headers["redelivered"]?.boolValue ?? false
    }

    /// What protocol 2 has in its headers and protocol 1 in its body, under the same names.
    mutating func readFields(of headers: JSONObject) throws(CeleryError) {
        shadow = headers["shadow"]?.stringValue
        group = headers["group"]?.stringValue
        groupIndex = headers["group_index"]?.intValue
        rootID = headers["root_id"]?.stringValue
        parentID = headers["parent_id"]?.stringValue
        argumentsRepr = headers["argsrepr"]?.stringValue
        keywordsRepr = headers["kwargsrepr"]?.stringValue
        origin = headers["origin"]?.stringValue
        ignoresResult = headers["ignore_result"].flatMap { $0.boolValue ?? $0.intValue.map { $0 != 0 } }
        replacedTaskNesting = headers["replaced_task_nesting"]?.intValue ?? 0
        stampedHeaders = headers["stamped_headers"]?.arrayValue?.compactMap(\.stringValue)
        stamps = headers["stamps"]?.objectValue ?? JSONObject()
        eta = try Self.time(headers["eta"], "eta")
        expires = try Self.time(headers["expires"], "expires")
        retries = try Self.count(headers["retries"], "retries")
        (hardTimeLimit, softTimeLimit) = try Self.timeLimits(headers["timelimit"])
    }

    /// What is sent after the task.
    mutating func readEmbedded(_ embedded: JSONObject) throws(CeleryError) {
        callbacks = try Signature.list(embedded["callbacks"], "callbacks")
        errbacks = try Signature.list(embedded["errbacks"], "errbacks")
        chain = try Signature.list(embedded["chain"], "chain")
        if let body = embedded["chord"], !body.isNull { chord = try Signature(body, "chord") }
    }

    private static func time(_ value: JSON?, _ name: String) throws(CeleryError) -> Int64? {
        guard let value, !value.isNull, value != "" else { return nil }
        guard let text = value.stringValue, let time = ISO8601.milliseconds(text) else {
            throw .malformed("The header \(name) is \(value.excerpt), not a time as 2026-01-02T03:04:05+00:00.")
        }
        return time
    }

    private static func count(_ value: JSON?, _ name: String) throws(CeleryError) -> Int {
        guard let value, !value.isNull else { return 0 }
        guard let count = value.intValue, 0...1_000_000_000 ~= count else {
            throw .malformed("The header \(name) is \(value.excerpt), not a number of times.")
        }
        return count
    }

    private static func timeLimits(_ value: JSON?) throws(CeleryError) -> (hard: Double?, soft: Double?) {
        guard let value, !value.isNull else { return (nil, nil) }
        guard let limits = value.arrayValue, limits.count <= 2, limits.allSatisfy({ $0.isNull || $0.isDuration }) else {
            throw .malformed("The header timelimit is \(value.excerpt), not [hard, soft] in seconds.")
        }
        // 0 means the same as null: the worker's own limit.
        func seconds(_ place: Int) -> Double? { value[place].doubleValue.flatMap { $0 > 0 ? $0 : nil } }
        return (seconds(0), seconds(1))
    }

    /// The headers that have a field of their own, or say how the body was packed.
    static let ownHeaders: Set<String> = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
        "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers",
        "stamps", "compression", "redelivered",
    ]
}

extension JSON {
    /// A number of seconds, so small that it can be reckoned with.
    fileprivate var isDuration: Bool {
        doubleValue.map { (0...1e9).contains($0) } ?? false
    }

    /// The value's text for a sentence, cut when it is long.
    var excerpt: String {
        let text = text
        return text.count > 60 ? "\(text.prefix(60))…" : text
    }
}

extension CeleryError {
    /// A message that is not what the protocol allows.
    static func malformed(_ message: String, cause: (any Error)? = nil) -> CeleryError {
        CeleryError(.malformed, message, cause: cause)
    }
}
