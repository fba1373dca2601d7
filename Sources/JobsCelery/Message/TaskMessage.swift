import DashJSON

/// A task as Celery sends it, read and checked: whom it is for, with what, and what follows it.
///
/// Arguments stay JSON text, so that a large input is not parsed only to be written again.
struct TaskMessage: Sendable, Hashable {
    /// The registered name of the task.
    var task: String
    /// The task's id: any text, usually a UUID.
    var id: String
    /// The positional arguments as they were sent, an array. See `plainArguments()` for typed values.
    var arguments: RawJSON
    /// The named arguments as they were sent, an object.
    var kwargs: RawJSON

    /// Sent after a success, each with the result in front of its arguments.
    var callbacks: [Signature] = []
    /// Sent after a failure, each with the failed task's id in front of its arguments.
    var errbacks: [Signature] = []
    /// The further steps of a chain, the LAST STEP FIRST, as they travel: the next one is the last element.
    var chain: [Signature] = []
    /// The body of the chord that the task is a part of.
    var chord: Signature?

    /// A name to show in place of `task`.
    var shadow: String?
    /// Not to be started before, in milliseconds since 1970.
    var eta: Int64?
    /// Not to be started after, in milliseconds since 1970.
    var expires: Int64?
    /// The group that the task is a part of.
    var group: String?
    /// The place in that group, which orders a chord's results.
    var groupIndex: Int?
    /// How many times the task was tried again so far.
    var retries = 0
    /// After so many seconds the task is killed; nil leaves it to the worker.
    var hardTimeLimit: Double?
    /// After so many seconds the task is told to stop; nil leaves it to the worker.
    var softTimeLimit: Double?
    /// The id of the first task of the tree: the own id at the top.
    var rootID: String?
    /// The task that sent this one.
    var parentID: String?
    /// The arguments for display, as Python shows them; nil is worked out when written.
    var argumentsRepr: String?
    /// The named arguments for display, as Python shows them; nil is worked out when written.
    var keywordsRepr: String?
    /// Who sent it, for display: `gen<pid>@<host>`.
    var origin: String?
    /// Whether nothing is to be stored of it; nil leaves it to the task.
    var ignoresResult: Bool?
    /// How many times a task replaced itself by this one.
    var replacedTaskNesting = 0
    /// The names of the stamps; nil where there are none.
    var stampedHeaders: [String]?
    /// The stamps' values.
    var stamps = JSONObject()
    /// All other headers, kept as they are: those of the caller, and `dash`, which is ours.
    var custom = JSONObject()

    /// Where an `rpc://` caller waits for the result; else Celery's name of the sending thread.
    var replyTo: String?
    /// The priority as the sender gave it; 0 if it gave none.
    var priority = 0
    /// Whether the message went back to its queue before.
    var isRedelivered = false
    /// 2, or 1 for messages of old senders.
    var protocolVersion = 2

    /// A task with arguments, everything else at its default.
    init(task: String, id: String, arguments: RawJSON = .emptyArray, kwargs: RawJSON = .emptyObject) {
        self.task = task
        self.id = id
        self.arguments = arguments
        self.kwargs = kwargs
    }

    /// The name to show in logs, events and answers.
    var displayName: String { shadow ?? task }

    /// The id of the first task of the tree, which is this one unless another is known.
    var treeID: String { rootID ?? id }
}

extension RawJSON {
    /// `[]`
    static let emptyArray = RawJSON(unchecked: Array("[]".utf8))
    /// `{}`
    static let emptyObject = RawJSON(unchecked: Array("{}".utf8))
}

extension TaskMessage {
    /// The positional arguments with Python's typed values in plain form; see `TypedJSON`.
    func plainArguments() -> RawJSON { TypedJSON.plain(arguments) }

    /// The named arguments with Python's typed values in plain form; see `TypedJSON`.
    func plainKeywords() -> RawJSON { TypedJSON.plain(kwargs) }
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Who sends messages, for display.
enum TaskOrigin {
    /// `gen<pid>@<host>`, as Celery names a process that is no worker.
    static let ofThisProcess = "gen\(getpid())@\(hostName)"

    /// The computer's name.
    static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}

// MARK: - Reading

extension TaskMessage {
    /// Reads a message of protocol 2 or, when the header `task` is missing, of protocol 1.
    ///
    /// What a good worker can do without may be missing or null: time limits, retries, embedded signatures, display
    /// texts. What follows is refused rather than guessed.
    ///
    /// - Throws: `CeleryError` with `.malformed`, or `.contentType` for a serialisation or compression that is not
    ///   accepted. Its `taskID` is set when the message tells an id, so that the sender can be told of the failure.
    init(_ raw: BrokerMessage) throws(CeleryError) {
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

    private init(protocolTwo raw: BrokerMessage) throws(CeleryError) {
        guard let name = raw.taskName else { throw .malformed("The header task is no text.") }
        guard let id = raw.headers["id"]?.stringValue, !id.isEmpty else {
            throw .malformed("The message of task \(name) has no header id, or one that is no text.")
        }
        let body = try MessageBody(raw)
        self.init(task: name, id: id, arguments: body.arguments, kwargs: body.kwargs)
        try readFields(of: raw.headers)
        try readEmbedded(body.embedded)
        custom = JSONObject(raw.headers.filter { !Self.ownHeaders.contains($0.key) })
        readProperties(of: raw)
    }

    /// What stands beside the headers.
    mutating func readProperties(of raw: BrokerMessage) {
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

// MARK: - Protocol one

extension TaskMessage {
    /// Reads a message of protocol 1: no headers, one object as body. Chains did not travel in it.
    init(protocolOne raw: BrokerMessage) throws(CeleryError) {
        let text = try MessageBody.text(of: raw)
        let body = try MessageBody.parse(text)
        guard let fields = body.objectValue else {
            throw .malformed("The message has neither a header task (protocol 2) nor an object as body (protocol 1).")
        }
        guard let name = fields["task"]?.stringValue, !name.isEmpty else {
            throw .malformed("The message names no task: neither a header nor a member of the body.")
        }
        do throws(CeleryError) {
            try self.init(name, fields: fields, raw: raw)
        } catch {
            var error = error
            error.taskID = fields["id"]?.stringValue ?? raw.taskID
            throw error
        }
    }

    private init(_ name: String, fields: JSONObject, raw: BrokerMessage) throws(CeleryError) {
        guard let id = fields["id"]?.stringValue, !id.isEmpty else {
            throw .malformed("The message of task \(name) has no id, or one that is no text.")
        }
        let (arguments, kwargs) = (fields["args"] ?? [], fields["kwargs"] ?? [:])
        try MessageBody.check(arguments: arguments, kwargs: kwargs)
        self.init(task: name, id: id, arguments: RawJSON(json: arguments), kwargs: RawJSON(json: kwargs))
        try readFields(of: fields)
        try readEmbedded(fields)
        chain = []
        // The group was called task set once.
        group = group ?? fields["taskset"]?.stringValue
        custom = JSONObject(raw.headers.filter { !Self.ownHeaders.contains($0.key) })
        protocolVersion = 1
        readProperties(of: raw)
    }
}

// MARK: - Writing

extension TaskMessage {
    /// The message for a queue, in protocol 2, with the headers in Python's order.
    func raw(queue: String) -> BrokerMessage {
        var raw = BrokerMessage()
        raw.headers = headers
        raw.body = body
        raw.routingKey = queue
        raw.priority = priority
        raw.correlationID = id
        raw.replyTo = replyTo
        return raw
    }

    private var headers: JSONObject {
        var headers = JSONObject()
        headers.reserveCapacity(19 + custom.count)
        headers.append("lang", "swift")
        headers.append("task", .string(task))
        headers.append("id", .string(id))
        headers.append("shadow", .text(shadow))
        headers.append("eta", .text(eta.map { ISO8601.text($0) }))
        headers.append("expires", .text(expires.map { ISO8601.text($0) }))
        headers.append("group", .text(group))
        headers.append("group_index", groupIndex.map { .int($0) } ?? .null)
        headers.append("retries", .int(retries))
        headers.append("timelimit", .array([.seconds(hardTimeLimit), .seconds(softTimeLimit)]))
        headers.append("root_id", .string(treeID))
        headers.append("parent_id", .text(parentID))
        appendDisplay(to: &headers)
        headers.append("ignore_result", ignoresResult.map { .bool($0) } ?? .null)
        headers.append("replaced_task_nesting", .int(replacedTaskNesting))
        headers.append("stamped_headers", stampedHeaders.map { .array($0.map { .string($0) }) } ?? .null)
        headers.append("stamps", .object(stamps))
        for (name, value) in custom where headers[name] == nil { headers.append(name, value) }
        return headers
    }

    private func appendDisplay(to headers: inout JSONObject) {
        headers.append("argsrepr", .string(argumentsRepr ?? PythonRepr.ofArguments(arguments)))
        headers.append("kwargsrepr", .string(keywordsRepr ?? PythonRepr.of(kwargs)))
        headers.append("origin", .string(origin ?? TaskOrigin.ofThisProcess))
    }

    private var body: [UInt8] {
        var writer = JSONWriter(capacity: arguments.bytes.count + kwargs.bytes.count + 256)
        writer.byte(UInt8(ascii: "["))
        arguments.encode(to: &writer)
        writer.byte(UInt8(ascii: ","))
        kwargs.encode(to: &writer)
        writer.byte(UInt8(ascii: ","))
        writer.object { embedded in
            embedded.member("callbacks", Signature.json(callbacks))
            embedded.member("errbacks", Signature.json(errbacks))
            embedded.member("chain", Signature.json(chain))
            embedded.member("chord", chord?.json ?? .null)
        }
        writer.byte(UInt8(ascii: "]"))
        return writer.bytes
    }
}

extension JSON {
    /// A text, or null.
    static func text(_ text: String?) -> JSON { text.map { .string($0) } ?? .null }

    /// Seconds, whole ones as an integer, or null.
    static func seconds(_ seconds: Double?) -> JSON {
        guard let seconds else { return .null }
        return Int(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }
}

// MARK: - Retry

extension TaskMessage {
    /// The message that tries the task again: the same task with one more retry, which has itself as its parent, as in
    /// Celery.
    ///
    /// - Parameter eta: Not before this time, in milliseconds since 1970; nil is at once.
    func again(eta: Int64?) -> TaskMessage {
        var message = self
        message.retries += 1
        message.eta = eta
        message.rootID = treeID
        message.parentID = id
        message.isRedelivered = false
        message.protocolVersion = 2
        return message
    }
}

// MARK: - Signature

extension TaskMessage {
    /// The task that a plain signature stands for.
    ///
    /// - Parameters:
    ///   - signature: Whose options tell how to send it; one of Celery's own types (group, chain, chord) is not plain.
    ///   - prefix: What is put in front of the arguments, unless the signature is immutable: the result before it.
    ///   - id: The id, if the signature has none.
    ///   - now: The present time in milliseconds since 1970, for countdowns.
    init(_ signature: Signature, prefix: [RawJSON] = [], id: String, now: Int64) throws(CeleryError) {
        let options = signature.options
        self.init(
            task: signature.task,
            id: signature.taskID ?? id,
            arguments: signature.arguments(behind: prefix),
            kwargs: RawJSON(signature.kwargs)
        )
        callbacks = try Signature.list(options["link"], "link")
        errbacks = try Signature.list(options["link_error"], "link_error")
        chain = try Signature.list(options["chain"], "chain")
        if let body = options["chord"], !body.isNull { chord = try Signature(body, "chord") }
        try readOptions(options, now: now)
    }

    private mutating func readOptions(_ options: JSONObject, now: Int64) throws(CeleryError) {
        shadow = options["shadow"]?.stringValue
        group = options["group_id"]?.stringValue
        groupIndex = options["group_index"]?.intValue
        retries = options["retries"]?.intValue ?? 0
        hardTimeLimit = options["time_limit"]?.doubleValue
        softTimeLimit = options["soft_time_limit"]?.doubleValue
        rootID = options["root_id"]?.stringValue
        parentID = options["parent_id"]?.stringValue
        ignoresResult = options["ignore_result"]?.boolValue
        replacedTaskNesting = options["replaced_task_nesting"]?.intValue ?? 0
        replyTo = options["reply_to"]?.stringValue
        priority = options["priority"]?.intValue ?? 0
        custom = options["headers"]?.objectValue ?? JSONObject()
        readStamps(options)
        eta = try Self.moment(options["countdown"], now: now)
        if eta == nil { eta = try Self.moment(options["eta"], now: now) }
        expires = try Self.moment(options["expires"], now: now)
    }

    /// Stamps stand among the options by their own names.
    private mutating func readStamps(_ options: JSONObject) {
        stampedHeaders = options["stamped_headers"]?.arrayValue?.compactMap(\.stringValue)
        for name in stampedHeaders ?? [] { stamps[name] = options[name] ?? .null }
    }

    /// A number of seconds from now, or a time, as text or typed.
    private static func moment(_ value: JSON?, now: Int64) throws(CeleryError) -> Int64? {
        guard let value, !value.isNull else { return nil }
        if let seconds = value.doubleValue {
            guard abs(seconds) < 1e12 else { throw .malformed("\(value.excerpt) seconds are too many.") }
            // A countdown of 0 is none.
            return seconds == 0 ? nil : now + Int64((seconds * 1000).rounded())
        }
        guard let text = TypedJSON.plain(value).stringValue, let time = ISO8601.milliseconds(text) else {
            throw .malformed("\(value.excerpt) in the options of a signature is no time.")
        }
        return time
    }
}

extension Signature {
    /// The positional arguments behind others; those others are left out if the signature is immutable.
    func arguments(behind prefix: [RawJSON]) -> RawJSON {
        guard !isImmutable, !prefix.isEmpty else { return RawJSON(json: .array(arguments)) }
        var writer = JSONWriter(capacity: prefix.reduce(256) { $0 + $1.bytes.count })
        writer.array(of: prefix + arguments.map { RawJSON(json: $0) })
        return RawJSON(unchecked: writer.bytes)
    }
}
