import DashJSON

/// What is stored of a task, and told to who waits for it: Celery's result meta.
struct ResultMeta: Sendable, Hashable {
    /// The task's id.
    var taskID: String
    /// How it stands.
    var status: TaskState
    /// The value, the exception, or what the state tells; JSON text, so that a large one passes through.
    var result = RawJSON.null
    /// The backtrace of a failure.
    var traceback: String?
    /// The tasks it sent: `[[[id, parent], null], …]`, or null where that is not known.
    var children: JSON = []
    /// When it ended, ISO 8601; nil unless it ended.
    var dateDone: String?
    /// The group it is a part of.
    var groupID: String?
    /// The task that sent it.
    var parentID: String?
    /// What else there is: `name`, `args`, `worker` and so on, and stamps, where results are extended.
    var extended = JSONObject()
    /// Where an `rpc://` caller waits for it; no part of the meta itself.
    var replyTo: String?

    /// A meta with nothing but its state.
    init(taskID: String, status: TaskState) {
        self.taskID = taskID
        self.status = status
    }
}

extension ResultMeta {
    /// The end of a task, or what is known on the way.
    ///
    /// - Parameters:
    ///   - message: The task, whose group and parent are told.
    ///   - status: How it stands.
    ///   - result: The value, the exception or what the state tells.
    ///   - now: Milliseconds since 1970; told only of an end.
    init(
        _ message: TaskMessage,
        _ status: TaskState,
        result: RawJSON,
        traceback: String? = nil,
        children: [JSON] = [],
        now: Int64
    ) {
        self.init(taskID: message.id, status: status)
        self.result = result
        self.traceback = traceback
        self.children = .array(children)
        dateDone = status.isReady ? ISO8601.text(now) : nil
        groupID = message.group
        parentID = message.parentID
        replyTo = message.replyTo
    }

    /// An end of a task of which only the id is known, with an exception.
    init(taskID: String, _ status: TaskState, exception: TaskException, now: Int64) {
        self.init(taskID: taskID, status: status)
        result = RawJSON(exception)
        dateDone = status.isReady ? ISO8601.text(now) : nil
    }

    /// Adds what Python tells with `result_extended`.
    ///
    /// - Parameters:
    ///   - worker: The node's name.
    ///   - queue: Where the task came from.
    mutating func extend(_ message: TaskMessage, worker: String, queue: String) {
        extended["name"] = .string(message.task)
        extended["args"] = message.arguments.json
        extended["kwargs"] = message.kwargs.json
        extended["worker"] = .string(worker)
        extended["retries"] = .int(message.retries)
        extended["queue"] = .string(queue)
        guard let names = message.stampedHeaders, !message.stamps.isEmpty else { return }
        extended["stamped_headers"] = .array(names.map { .string($0) })
        for name in names { extended[name] = message.stamps[name] ?? .null }
    }

    /// The exception of a failed, revoked or retried task.
    var exception: TaskException? {
        status.isException ? TaskException(json: result.json) : nil
    }
}

extension ResultMeta: JSONEncodable {
    /// Writes the members in Python's order.
    func encode(to writer: inout JSONWriter) {
        writer.object { members in
            members.member("status", status.rawValue)
            members.member("result", result)
            members.member("traceback", JSON.text(traceback))
            members.member("children", children)
            members.member("date_done", JSON.text(dateDone))
            members.member("group_id", ifPresent: groupID)
            members.member("parent_id", ifPresent: parentID)
            for (name, value) in extended where !Self.ownMembers.contains(name) { members.member(name, value) }
            // Readers that wait hang without it.
            members.member("task_id", taskID)
        }
    }

    /// Reads a stored or published meta; the value's text is cut out, not parsed.
    ///
    /// - Parameter taskID: Stands in for a missing `task_id`, which is known where the meta was read by its key.
    /// - Throws: `CeleryError.malformed` if it is no meta.
    init(reading text: [UInt8], taskID: String? = nil) throws(CeleryError) {
        guard let members = try Self.members(of: PythonJSON.strict(text)) else {
            throw .malformed("A task's result is no object.")
        }
        func value(_ name: String) -> JSON {
            members[name].flatMap { try? JSON(parsing: Array($0)) } ?? .null
        }
        guard let status = value("status").stringValue, let id = value("task_id").stringValue ?? taskID else {
            throw .malformed("A task's result has no status or no task_id.")
        }
        self.init(taskID: id, status: TaskState(rawValue: status))
        result = members["result"].map { RawJSON(unchecked: Array($0)) } ?? .null
        traceback = value("traceback").stringValue
        children = value("children")
        dateDone = value("date_done").stringValue
        groupID = value("group_id").stringValue
        parentID = value("parent_id").stringValue
        for name in members.keys.sorted() where !Self.ownMembers.contains(name) { extended[name] = value(name) }
    }

    private static func members(of text: [UInt8]) throws(CeleryError) -> [String: ArraySlice<UInt8>]? {
        do {
            return try JSONScanner.membersByName(of: text[...])
        } catch {
            throw .malformed(
                "A task's result is no JSON. Results are read as JSON: set result_serializer = 'json'.",
                cause: error
            )
        }
    }

    private static let ownMembers: Set<String> = [
        "status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id",
    ]
}

/// A task's state as Celery names it. Programs may have names of their own.
struct TaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The name, as stored.
    let rawValue: String

    init(rawValue: String) {
        self.rawValue = rawValue
    }

    var description: String { rawValue }

    /// Unknown, or waiting; never stored.
    static let pending = TaskState(rawValue: "PENDING")
    /// A worker has it; never stored, only told by events.
    static let received = TaskState(rawValue: "RECEIVED")
    /// It runs; its result is `{"pid", "hostname"}`.
    static let started = TaskState(rawValue: "STARTED")
    /// It runs and tells how far it is.
    static let progress = TaskState(rawValue: "PROGRESS")
    /// It is to be tried again; its result is the exception.
    static let retry = TaskState(rawValue: "RETRY")
    /// It ended; its result is the value.
    static let success = TaskState(rawValue: "SUCCESS")
    /// It ended; its result is the exception.
    static let failure = TaskState(rawValue: "FAILURE")
    /// It was told not to run, or stopped; its result is the exception.
    static let revoked = TaskState(rawValue: "REVOKED")

    /// Whether nothing follows.
    var isReady: Bool { [.success, .failure, .revoked].contains(self) }

    /// Whether the result is an exception.
    var isException: Bool { [.retry, .failure, .revoked].contains(self) }

    /// Whether what waits for the task fails with it.
    var propagates: Bool { [.failure, .revoked].contains(self) }
}
