package import DashJSON
import Support

/// A parsed and validated task message.
///
/// Arguments stay JSON text, so that a large input is not parsed only to be written again.
package struct TaskMessage: Sendable, Hashable {
    /// The registered name of the task.
    package var task: String
    /// The task's ID, usually a UUID.
    package var id: String
    /// The positional arguments as sent, an array. See `TypedJSON` for typed values.
    package var arguments: RawJSON
    /// The named arguments as sent, an object.
    package var kwargs: RawJSON

    /// Sent after a success, each with the result prepended to its arguments.
    package var callbacks: [Signature] = []
    /// Sent after a failure, each with the failed task's ID prepended to its arguments.
    package var errbacks: [Signature] = []
    /// The remaining steps of a chain, in REVERSE order as on the wire: the next one is the last element.
    package var chain: [Signature] = []
    /// The body of the chord that the task is a part of.
    package var chord: Signature?

    /// A display name in place of `task`.
    package var shadow: String?
    /// The earliest start, in milliseconds since 1970.
    package var eta: Int64?
    /// The latest start, in milliseconds since 1970.
    package var expires: Int64?
    /// The group that the task is a part of.
    package var group: String?
    /// The position in that group, which orders a chord's results.
    package var groupIndex: Int?
    /// The number of retries so far.
    package var retries = 0
    /// The time limit after which the task is killed, in seconds; nil for the worker's default.
    package var hardTimeLimit: Double?
    /// The time limit after which the task is asked to stop, in seconds; nil for the worker's default.
    package var softTimeLimit: Double?
    /// The ID of the first task of the tree; that of the first task is its own.
    package var rootID: String?
    /// The ID of the task that sent this one.
    package var parentID: String?
    /// The arguments as the sender displays them; nil for their JSON text.
    package var argumentsRepr: String?
    /// The named arguments as the sender displays them; nil for their JSON text.
    package var keywordsRepr: String?
    /// The sender, for display: `gen<pid>@<host>`.
    package var origin: String?
    /// Whether to store no result; nil for the task's default.
    package var ignoresResult: Bool?
    /// How many times a task was replaced up to this one.
    package var replacedTaskNesting = 0
    /// All other headers, unchanged: the caller's, its stamps, and our `dash`.
    package var custom = JSONObject()

    /// The result queue of an `rpc://` caller; otherwise Celery's name of the sending thread.
    package var replyTo: String?
    /// The sender's priority; 0 by default.
    package var priority = 0

    package init(task: String, id: String, arguments: RawJSON = .emptyArray, kwargs: RawJSON = .emptyObject) {
        self.task = task
        self.id = id
        self.arguments = arguments
        self.kwargs = kwargs
    }

    /// The name in logs, events and replies.
    package var displayName: String { shadow ?? task }

    /// The arguments for display.
    package var argumentsText: String { argumentsRepr ?? arguments.displayText }

    /// The named arguments for display.
    package var keywordsText: String { keywordsRepr ?? kwargs.displayText }

    /// The ID of the first task of the tree: `rootID`, or else this task's.
    package var treeID: String { rootID ?? id }
}

/// The sender of messages, for display.
package enum TaskOrigin {
    /// `gen<pid>@<host>`, Celery's name of a process that is not a worker.
    package static let ofThisProcess = "gen\(getpid())@\(hostName)"

    package static let hostName: String = {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }()
}

// MARK: - Reading

extension TaskMessage {
    /// Reads a message of protocol 2 or, if it has no header `task`, of protocol 1.
    ///
    /// Optional parts may be missing or null: time limits, retries, embedded signatures, display texts. Invalid values
    /// are refused.
    ///
    /// - Throws: `CeleryError` with `.malformed`, or `.contentType` for an unsupported serialisation or compression.
    ///   Its `taskID` is set if the message has an ID, so that the failure can be reported to the sender.
    package init(_ raw: BrokerMessage) throws(CeleryError) {
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
        guard let name = raw.taskName else { throw .malformed("The header task is not a string.") }
        guard let id = raw.headers["id"]?.stringValue, !id.isEmpty else {
            throw .malformed("The message of task \(name) has no header id, or it is not a string.")
        }
        let body = try MessageBody(raw)
        self.init(task: name, id: id, arguments: body.arguments, kwargs: body.kwargs)
        try readFields(of: raw.headers)
        try readEmbedded(body.embedded)
        readRest(of: raw)
    }

    /// Reads the properties and the headers that have no field. Absent stamps are written in any case.
    private mutating func readRest(of raw: BrokerMessage) {
        replyTo = raw.replyTo
        priority = raw.priority
        custom = JSONObject(raw.headers.filter { !Self.ownHeaders.contains($0.key) })
        if custom["stamped_headers"]?.isNull == true { custom["stamped_headers"] = nil }
        if custom["stamps"]?.isNull == true || custom["stamps"] == [:] { custom["stamps"] = nil }
    }

    /// Reads the fields that protocol 2 has in the headers and protocol 1 in the body.
    private mutating func readFields(of headers: JSONObject) throws(CeleryError) {
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
        eta = try Self.time(headers["eta"], "eta")
        expires = try Self.time(headers["expires"], "expires")
        retries = try Self.count(headers["retries"], "retries")
        (hardTimeLimit, softTimeLimit) = try Self.timeLimits(headers["timelimit"])
    }

    private mutating func readEmbedded(_ embedded: JSONObject) throws(CeleryError) {
        callbacks = try Signature.list(embedded["callbacks"], "callbacks")
        errbacks = try Signature.list(embedded["errbacks"], "errbacks")
        chain = try Signature.list(embedded["chain"], "chain")
        if let body = embedded["chord"], !body.isNull { chord = try Signature(body, "chord") }
    }

    private static func time(_ value: JSON?, _ name: String) throws(CeleryError) -> Int64? {
        guard let value, !value.isNull, value != "" else { return nil }
        guard let text = value.stringValue, let time = ISO8601.milliseconds(text) else {
            throw .malformed("The header \(name) is \(value.excerpt), not a time such as 2026-01-02T03:04:05+00:00.")
        }
        return time
    }

    private static func count(_ value: JSON?, _ name: String) throws(CeleryError) -> Int {
        guard let value, !value.isNull else { return 0 }
        guard let count = value.intValue, 0...1_000_000_000 ~= count else {
            throw .malformed("The header \(name) is \(value.excerpt), not a valid count.")
        }
        return count
    }

    /// Whether it is a number of seconds small enough for arithmetic.
    private static func isDuration(_ value: JSON) -> Bool {
        value.doubleValue.map { (0...1e9).contains($0) } ?? false
    }

    private static func timeLimits(_ value: JSON?) throws(CeleryError) -> (hard: Double?, soft: Double?) {
        guard let value, !value.isNull else { return (nil, nil) }
        guard let limits = value.arrayValue, limits.count <= 2, limits.allSatisfy({ $0.isNull || isDuration($0) })
        else {
            throw .malformed("The header timelimit is \(value.excerpt), not [hard, soft] in seconds.")
        }
        // 0 means the worker's limit, as null does.
        func seconds(_ place: Int) -> Double? { value[place].doubleValue.flatMap { $0 > 0 ? $0 : nil } }
        return (seconds(0), seconds(1))
    }

    /// The headers with a field of `TaskMessage`, and those of the transport.
    private static let ownHeaders: Set<String> = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
        "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "compression",
        "redelivered",
    ]
}

// MARK: - Protocol one

extension TaskMessage {
    /// Reads a message of protocol 1: no headers, an object as body, no chains.
    private init(protocolOne raw: BrokerMessage) throws(CeleryError) {
        let text = try MessageBody.text(of: raw)
        let body = try MessageBody.parse(text)
        guard let fields = body.objectValue else {
            throw .malformed("The message has neither a header task (protocol 2) nor an object as body (protocol 1).")
        }
        guard let name = fields["task"]?.stringValue, !name.isEmpty else {
            throw .malformed("The message has no task name, neither in a header nor in the body.")
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
            throw .malformed("The message of task \(name) has no id, or it is not a string.")
        }
        let (arguments, kwargs) = (fields["args"] ?? [], fields["kwargs"] ?? [:])
        try MessageBody.check(arguments: arguments, kwargs: kwargs)
        self.init(task: name, id: id, arguments: RawJSON(json: arguments), kwargs: RawJSON(json: kwargs))
        try readFields(of: fields)
        try readEmbedded(fields)
        chain = []
        // An older name of the group.
        group = group ?? fields["taskset"]?.stringValue
        readRest(of: raw)
    }
}

// MARK: - Writing

extension TaskMessage {
    /// The message for a queue in protocol 2, with the headers in Python's order.
    package func raw(queue: String) -> BrokerMessage {
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
        headers.append("shadow", .string(orNull: shadow))
        headers.append("eta", .string(orNull: eta.map { ISO8601.text($0) }))
        headers.append("expires", .string(orNull: expires.map { ISO8601.text($0) }))
        headers.append("group", .string(orNull: group))
        headers.append("group_index", .int(orNull: groupIndex))
        headers.append("retries", .int(retries))
        headers.append("timelimit", .array([.seconds(hardTimeLimit), .seconds(softTimeLimit)]))
        headers.append("root_id", .string(treeID))
        headers.append("parent_id", .string(orNull: parentID))
        headers.append("argsrepr", .string(argumentsText))
        headers.append("kwargsrepr", .string(keywordsText))
        headers.append("origin", .string(origin ?? TaskOrigin.ofThisProcess))
        headers.append("ignore_result", ignoresResult.map { .bool($0) } ?? .null)
        headers.append("replaced_task_nesting", .int(replacedTaskNesting))
        headers.append("stamped_headers", custom["stamped_headers"] ?? .null)
        headers.append("stamps", custom["stamps"] ?? [:])
        for (name, value) in custom where headers[name] == nil { headers.append(name, value) }
        return headers
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

// MARK: - Retry

extension TaskMessage {
    /// The message of the next retry, whose parent is the task itself, as in Celery.
    ///
    /// - Parameter eta: The earliest start, in milliseconds since 1970; nil for immediately.
    package func again(eta: Int64?) -> TaskMessage {
        var message = self
        message.retries += 1
        message.eta = eta
        message.rootID = treeID
        message.parentID = id
        return message
    }
}

// MARK: - Signature

extension TaskMessage {
    /// Creates the message of a plain signature.
    ///
    /// - Parameters:
    ///   - signature: A plain signature, not a group, chain or chord.
    ///   - prefix: Prepended to the arguments, unless the signature is immutable.
    ///   - id: The ID, if the signature has none.
    ///   - now: The current time in milliseconds since 1970, for countdowns.
    package init(_ signature: Signature, prefix: [RawJSON] = [], id: String, now: Int64) throws(CeleryError) {
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

    /// Stamps are options named by `stamped_headers`; they are forwarded to other programs.
    private mutating func readStamps(_ options: JSONObject) {
        guard let names = options["stamped_headers"]?.arrayValue, !names.isEmpty else { return }
        custom["stamped_headers"] = .array(names)
        custom["stamps"] = .object(JSONObject(names.compactMap(\.stringValue).map { ($0, options[$0] ?? .null) }))
    }

    /// Reads seconds from now or a time, as text or typed.
    private static func moment(_ value: JSON?, now: Int64) throws(CeleryError) -> Int64? {
        guard let value, !value.isNull else { return nil }
        if let seconds = value.doubleValue {
            guard abs(seconds) < 1e12 else { throw .malformed("\(value.excerpt) seconds is too long.") }
            // A countdown of 0 means immediately.
            return seconds == 0 ? nil : now + Int64((seconds * 1000).rounded())
        }
        guard let text = TypedJSON.plain(value).stringValue, let time = ISO8601.milliseconds(text) else {
            throw .malformed("\(value.excerpt) in the options of a signature is not a valid time.")
        }
        return time
    }
}
