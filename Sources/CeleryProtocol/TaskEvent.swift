package import DashJSON

/// A task event. Texts have Python's format.
package enum TaskEvent: Sendable, Hashable {
    /// The message arrived.
    case received(ReceivedTask)
    case started(id: String)
    /// The task returned a value; `runtime` in seconds.
    case succeeded(id: String, result: String, runtime: Double)
    /// The task failed; an unknown task has no traceback.
    case failed(id: String, exception: String, traceback: String?)
    /// The task will be retried.
    case retried(id: String, exception: String, traceback: String?)
    /// The task was revoked or terminated, or has expired.
    case revoked(id: String, terminated: Bool, signal: Int32?, expired: Bool)
    /// The message was rejected.
    case rejected(id: String, requeue: Bool)
}

/// The data of a `task-received` event.
package struct ReceivedTask: Sendable, Hashable {
    package var id: String
    package var name: String
    /// `(1, 2)`.
    package var arguments: String
    /// `{'y': 2}`.
    package var kwargs: String
    package var rootID: String?
    package var parentID: String?
    package var retries = 0
    /// ISO 8601, as in the message.
    package var eta: String?
    /// ISO 8601, as in the message.
    package var expires: String?

    package init(
        id: String,
        name: String,
        arguments: String,
        kwargs: String,
        rootID: String? = nil,
        parentID: String? = nil,
        retries: Int = 0,
        eta: String? = nil,
        expires: String? = nil
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.kwargs = kwargs
        self.rootID = rootID
        self.parentID = parentID
        self.retries = retries
        self.eta = eta
        self.expires = expires
    }
}

extension TaskEvent {
    /// Celery's name of the event.
    package var type: String {
        switch self {
        case .received: "task-received"
        case .started: "task-started"
        case .succeeded: "task-succeeded"
        case .failed: "task-failed"
        case .retried: "task-retried"
        case .revoked: "task-revoked"
        case .rejected: "task-rejected"
        }
    }

    /// The members specific to the event, in Celery's order.
    package var fields: JSONObject {
        switch self {
        case .received(let task): task.fields
        case .started(let id): ["uuid": .string(id)]
        case .succeeded(let id, let result, let runtime):
            ["uuid": .string(id), "result": .string(result), "runtime": .double(runtime)]
        case .failed(let id, let exception, let trace), .retried(let id, let exception, let trace):
            Self.failure(id, exception, trace)
        case .revoked(let id, let terminated, let signal, let expired):
            [
                "uuid": .string(id), "terminated": .bool(terminated), "signum": .int(orNull: signal.map { Int($0) }),
                "expired": .bool(expired),
            ]
        case .rejected(let id, let requeue): ["uuid": .string(id), "requeue": .bool(requeue)]
        }
    }

    private static func failure(_ id: String, _ exception: String, _ trace: String?) -> JSONObject {
        var fields: JSONObject = ["uuid": .string(id), "exception": .string(exception)]
        if let trace { fields.append("traceback", .string(trace)) }
        return fields
    }
}

extension ReceivedTask {
    fileprivate var fields: JSONObject {
        [
            "uuid": .string(id), "name": .string(name), "args": .string(arguments), "kwargs": .string(kwargs),
            "root_id": .string(orNull: rootID), "parent_id": .string(orNull: parentID), "retries": .int(retries),
            "eta": .string(orNull: eta), "expires": .string(orNull: expires),
        ]
    }
}
