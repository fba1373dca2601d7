import DashJSON

extension TaskEvent {
    /// Celery's name of the event.
    var type: String {
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

    /// What is particular to the event, in Celery's order.
    var fields: JSONObject {
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
            "uuid": .string(id), "name": .string(name), "args": .string(arguments), "kwargs": .string(keywords),
            "root_id": .string(orNull: rootID), "parent_id": .string(orNull: parentID), "retries": .int(retries),
            "eta": .string(orNull: eta), "expires": .string(orNull: expires),
        ]
    }
}
