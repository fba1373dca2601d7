import DashJSON
import Synchronization

/// What a worker tells about a task. Texts are Python's way of writing values.
enum TaskEvent: Sendable, Hashable {
    /// A message came.
    case received(ReceivedTask)
    /// Its code runs.
    case started(id: String)
    /// It gave a value; `runtime` in seconds.
    case succeeded(id: String, result: String, runtime: Double)
    /// It failed; a task that is not known here has no trace.
    case failed(id: String, exception: String, traceback: String?)
    /// It will be tried again.
    case retried(id: String, exception: String, traceback: String?)
    /// It is not run, or not to its end.
    case revoked(id: String, terminated: Bool, signal: Int32?, expired: Bool)
    /// Its message was refused.
    case rejected(id: String, requeue: Bool)
}

/// What a worker tells about a task whose message came.
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
            "uuid": .string(id), "name": .string(name), "args": .string(arguments), "kwargs": .string(kwargs),
            "root_id": .string(orNull: rootID), "parent_id": .string(orNull: parentID), "retries": .int(retries),
            "eta": .string(orNull: eta), "expires": .string(orNull: expires),
        ]
    }
}

/// Where a worker tells about its tasks. Never waits; costs next to nothing while nobody listens.
protocol WorkerEvents: Sendable {
    /// Whether events about tasks are sent: who has to compute a text for one asks first.
    var isEnabled: Bool { get }

    /// Tells something about a task. While events are not enabled nothing is sent.
    func tell(_ event: @autoclosure () -> TaskEvent)
}

/// A logical clock, which brings the messages of several machines into an order.
final class LamportClock: Sendable {
    private let time: Mutex<Int>

    init(_ start: Int = 0) {
        time = Mutex(start)
    }

    var value: Int { time.withLock { $0 } }

    /// Something happens here.
    @discardableResult
    func forward() -> Int {
        time.withLock { time in
            time += 1
            return time
        }
    }

    /// A message came that was sent at a time of its sender's clock.
    @discardableResult
    func adjust(to other: Int) -> Int {
        time.withLock { time in
            time = max(time, other) + 1
            return time
        }
    }
}

/// What a worker tells about itself.
enum WorkerSign: Sendable, Hashable {
    case online
    case heartbeat
    /// A heartbeat that somebody asked for, which says less and promises the next within 5 s.
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

    /// What is particular to the event, in Celery's order.
    ///
    /// - Parameter every: The time between heartbeats, seconds.
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
