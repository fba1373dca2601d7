import CeleryProtocol
import DashJSON
import Support
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
    func forward() -> Int { adjust(to: 0) }

    /// Advances the clock past that of a received message.
    @discardableResult
    func adjust(to other: Int) -> Int {
        time.withLock { time in
            time = max(time, other) + 1
            return time
        }
    }
}

/// An event of the worker itself, by Celery's name.
enum WorkerSign: String, Sendable {
    case online = "worker-online"
    case heartbeat = "worker-heartbeat"
    case offline = "worker-offline"

    /// `worker.heartbeat`.
    var routingKey: String { rawValue.replacing("-", with: ".") }

    /// The members specific to the event, in Celery's order.
    ///
    /// - Parameters:
    ///   - every: The interval of heartbeats, in seconds.
    ///   - machine: The machine's load averages.
    func fields(every: Double, load: WorkerLoad, machine: [Double] = WallClock.loadAverage()) -> JSONObject {
        [
            "freq": .double(every), "active": .int(load.active), "processed": .int(load.processed),
            "loadavg": .array(machine.map { .double($0) }), "sw_ident": .string(Software.name),
            "sw_ver": .string(Software.version), "sw_sys": .string(Software.system),
        ]
    }
}

/// The program that sends events.
enum Software {
    static let name = "dash-swift"
    static let version = PackageVersion.current
    #if os(Linux)
    static let system = "Linux"
    #else
    static let system = "Darwin"
    #endif
}
