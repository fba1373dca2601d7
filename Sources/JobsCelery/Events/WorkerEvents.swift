import CeleryProtocol
import DashJSON
import Synchronization

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
