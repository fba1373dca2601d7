package import DashJSON

/// The stored and published state of a task: Celery's result meta.
package struct ResultMeta: Sendable, Hashable {
    package var taskID: String
    package var status: TaskState
    /// The value, the exception, or data of the state; unparsed, because it may be large.
    package var result = RawJSON.null
    /// The backtrace of a failure.
    package var traceback: String?
    /// The tasks it sent: `[[[id, parent], null], …]`; null if unknown.
    package var children: JSON = []
    /// When it completed, in ISO 8601; nil before.
    package var dateDone: String?
    /// The group that it is a part of.
    package var groupID: String?
    /// The ID of the task that sent it.
    package var parentID: String?
    /// Further members of extended results: `name`, `args`, `worker` and others, and stamps.
    package var extended = JSONObject()
    /// The result queue of an `rpc://` caller; not written.
    package var replyTo: String?

    package init(taskID: String, status: TaskState) {
        self.taskID = taskID
        self.status = status
    }
}

extension ResultMeta {
    /// The state of a task.
    ///
    /// - Parameters:
    ///   - message: The task, with its group and parent.
    ///   - status: The state.
    ///   - result: The value, the exception or data of the state.
    ///   - now: Milliseconds since 1970, the time of a completion.
    package init(
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

    /// The completion of a task, known only by its ID, with an exception.
    package init(taskID: String, _ status: TaskState, exception: TaskException, now: Int64) {
        self.init(taskID: taskID, status: status)
        result = RawJSON(exception)
        dateDone = status.isReady ? ISO8601.text(now) : nil
    }

    /// The exception of a failed, revoked or retried task.
    package var exception: TaskException? {
        status.isException ? TaskException(json: result.json) : nil
    }
}

extension ResultMeta: JSONEncodable {
    /// Writes the members in Python's order.
    package func encode(to writer: inout JSONWriter) {
        writer.object { members in
            members.member("status", status.rawValue)
            members.member("result", result)
            members.member("traceback", JSON.string(orNull: traceback))
            members.member("children", children)
            members.member("date_done", JSON.string(orNull: dateDone))
            members.member("group_id", ifPresent: groupID)
            members.member("parent_id", ifPresent: parentID)
            for (name, value) in extended where !Self.ownMembers.contains(name) { members.member(name, value) }
            // Without it, waiting readers hang.
            members.member("task_id", taskID)
        }
    }

    /// Reads a stored or published meta without parsing its value.
    ///
    /// - Parameter taskID: Replaces a missing `task_id`.
    /// - Throws: `CeleryError.malformed` if the meta is invalid.
    package init(reading text: [UInt8], taskID: String? = nil) throws(CeleryError) {
        let text = PythonJSON.strict(text)
        let message = "A task's result is not valid JSON. Set result_serializer = 'json'."
        let members = try CeleryError.parse(message) { () throws(JSONError) in
            try JSONScanner.membersByName(of: text[...])
        }
        guard let members else { throw .malformed("A task's result is not an object.") }
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

    private static let ownMembers: Set<String> = [
        "status", "result", "traceback", "children", "date_done", "group_id", "parent_id", "task_id",
    ]
}

/// A task's state by Celery's name. Programs may define further states.
package struct TaskState: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: String

    package init(rawValue: String) {
        self.rawValue = rawValue
    }

    package var description: String { rawValue }

    /// Unknown or waiting; never stored.
    package static let pending = TaskState(rawValue: "PENDING")
    /// Received by a worker; never stored, only published as an event.
    package static let received = TaskState(rawValue: "RECEIVED")
    /// Running; the result is `{"pid", "hostname"}`.
    package static let started = TaskState(rawValue: "STARTED")
    /// Running, with progress.
    package static let progress = TaskState(rawValue: "PROGRESS")
    /// Waiting for a retry; the result is the exception.
    package static let retry = TaskState(rawValue: "RETRY")
    /// Succeeded; the result is the value.
    package static let success = TaskState(rawValue: "SUCCESS")
    /// Failed; the result is the exception.
    package static let failure = TaskState(rawValue: "FAILURE")
    /// Revoked or terminated; the result is the exception.
    package static let revoked = TaskState(rawValue: "REVOKED")

    /// Whether the state is final.
    package var isReady: Bool { [.success, .failure, .revoked].contains(self) }

    /// Whether the result is an exception.
    package var isException: Bool { [.retry, .failure, .revoked].contains(self) }

    /// Whether dependent tasks fail with it.
    package var propagates: Bool { [.failure, .revoked].contains(self) }
}
