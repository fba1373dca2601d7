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
        extended["kwargs"] = message.keywords.json
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
