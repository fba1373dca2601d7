package import DashJSON

package struct TaskEvent: Sendable, Hashable {
    /// Celery's name of the event.
    package let type: String
    /// The members specific to the event, in Celery's order.
    package let fields: JSONObject

    private init(_ type: String, _ id: String, _ members: JSONObject = JSONObject()) {
        self.type = type
        fields = JSONObject([("uuid", .string(id))] + Array(members))
    }

    /// The message arrived.
    package static func received(_ message: TaskMessage) -> TaskEvent {
        let members: JSONObject = [
            "name": .string(message.task), "args": .string(message.argumentsText),
            "kwargs": .string(message.keywordsText), "root_id": .string(orNull: message.rootID),
            "parent_id": .string(orNull: message.parentID), "retries": .int(message.retries),
            "eta": .string(orNull: message.eta.map { ISO8601.text($0) }),
            "expires": .string(orNull: message.expires.map { ISO8601.text($0) }),
        ]
        return TaskEvent("task-received", message.id, members)
    }

    package static func started(id: String) -> TaskEvent { TaskEvent("task-started", id) }

    /// The task returned a value; `runtime` in seconds.
    package static func succeeded(id: String, result: String, runtime: Double) -> TaskEvent {
        TaskEvent("task-succeeded", id, ["result": .string(result), "runtime": .double(runtime)])
    }

    /// The task failed; an unknown task has no traceback.
    package static func failed(id: String, exception: String, traceback: String?) -> TaskEvent {
        TaskEvent("task-failed", id, failure(exception, traceback))
    }

    /// The task will be retried.
    package static func retried(id: String, exception: String, traceback: String?) -> TaskEvent {
        TaskEvent("task-retried", id, failure(exception, traceback))
    }

    /// The task was revoked or terminated, or has expired.
    package static func revoked(id: String, terminated: Bool, signal: Int32?, expired: Bool) -> TaskEvent {
        let signal = JSON.int(orNull: signal.map { Int($0) })
        let members: JSONObject = ["terminated": .bool(terminated), "signum": signal, "expired": .bool(expired)]
        return TaskEvent("task-revoked", id, members)
    }

    private static func failure(_ exception: String, _ traceback: String?) -> JSONObject {
        var members: JSONObject = ["exception": .string(exception)]
        if let traceback { members.append("traceback", .string(traceback)) }
        return members
    }
}
