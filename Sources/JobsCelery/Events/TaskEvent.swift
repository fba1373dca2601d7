import DashJSON
import Synchronization

/// A task event. Texts have Python's format.
enum TaskEvent: Sendable, Hashable {
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
struct ReceivedTask: Sendable, Hashable {
    var id: String
    var name: String
    /// `(1, 2)`.
    var arguments: String
    /// `{'y': 2}`.
    var kwargs: String
    var rootID: String?
    var parentID: String?
    var retries = 0
    /// ISO 8601, as in the message.
    var eta: String?
    /// ISO 8601, as in the message.
    var expires: String?
}

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

    /// The members specific to the event, in Celery's order.
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
            "uuid": .string(id), "name": .string(name), "args": .string(arguments), "kwargs": .string(kwargs),
            "root_id": .string(orNull: rootID), "parent_id": .string(orNull: parentID), "retries": .int(retries),
            "eta": .string(orNull: eta), "expires": .string(orNull: expires),
        ]
    }
}

/// Receives the task events of a worker. Never waits, and costs almost nothing while events are disabled.
protocol WorkerEvents: Sendable {
    /// Whether task events are sent; check it before computing their texts.
    var isEnabled: Bool { get }

    /// Sends a task event, if events are enabled.
    func send(_ event: @autoclosure () -> TaskEvent)
}

/// A logical clock, which orders the messages of several machines.
final class LamportClock: Sendable {
    private let time: Mutex<Int>

    init(_ start: Int = 0) {
        time = Mutex(start)
    }

    var value: Int { time.withLock { $0 } }

    /// Advances the clock for a local event.
    @discardableResult
    func forward() -> Int {
        time.withLock { time in
            time += 1
            return time
        }
    }

    /// Advances the clock past that of a received message.
    @discardableResult
    func adjust(to other: Int) -> Int {
        time.withLock { time in
            time = max(time, other) + 1
            return time
        }
    }
}

/// An event of the worker itself.
enum WorkerSign: Sendable, Hashable {
    case online
    case heartbeat
    /// A heartbeat requested by remote control; it has fewer members and announces the next within 5 s.
    case requestedHeartbeat
    case offline

    /// Celery's name of the event.
    var type: String {
        switch self {
        case .online: "worker-online"
        case .heartbeat, .requestedHeartbeat: "worker-heartbeat"
        case .offline: "worker-offline"
        }
    }

    /// `worker.heartbeat`.
    var routingKey: String {
        switch self {
        case .online: "worker.online"
        case .heartbeat, .requestedHeartbeat: "worker.heartbeat"
        case .offline: "worker.offline"
        }
    }

    /// The members specific to the event, in Celery's order.
    ///
    /// - Parameter every: The interval of heartbeats, in seconds.
    func fields(every: Double, load: WorkerLoad, machine: [Double], software: SoftwareInfo) -> JSONObject {
        var fields: JSONObject = ["freq": .double(self == .requestedHeartbeat ? 5 : every)]
        if self != .requestedHeartbeat {
            fields.append("active", .int(load.active))
            fields.append("processed", .int(load.processed))
            fields.append("loadavg", .array(machine.map { .double($0) }))
        }
        for (key, value) in software.fields { fields.append(key, value) }
        return fields
    }
}
