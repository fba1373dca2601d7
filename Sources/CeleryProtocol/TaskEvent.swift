package import DashJSON

/// A task event.
package struct TaskEvent: Sendable, Hashable {
    /// Celery's name of the event.
    package let type: String
    /// The members specific to the event, in Celery's order.
    package let fields: JSONObject

    private init(_ type: String, _ id: String, _ members: JSONObject = JSONObject()) {
        self.type = type
        fields = JSONObject([("uuid", .string(id))] + Array(members))
    }

    /// The message arrived. Times are in ISO 8601, as in the message.
    package static func received(
        id: String,
        name: String,
        arguments: String,
        kwargs: String,
        rootID: String?,
        parentID: String?,
        retries: Int,
        eta: String?,
        expires: String?
    ) -> TaskEvent {
        let members: JSONObject = [
            "name": .string(name), "args": .string(arguments), "kwargs": .string(kwargs),
            "root_id": .string(orNull: rootID), "parent_id": .string(orNull: parentID), "retries": .int(retries),
            "eta": .string(orNull: eta), "expires": .string(orNull: expires),
        ]
        return TaskEvent("task-received", id, members)
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
        return TaskEvent(
            "task-revoked",
            id,
            ["terminated": .bool(terminated), "signum": signal, "expired": .bool(expired)]
        )
    }

    private static func failure(_ exception: String, _ traceback: String?) -> JSONObject {
        var members: JSONObject = ["exception": .string(exception)]
        if let traceback { members.append("traceback", .string(traceback)) }
        return members
    }
}
