import DashJSON

/// The state of a worker at one moment.
struct WorkerSnapshot: Sendable {
    /// Running tasks.
    var active: [Holding] = []
    /// Tasks that wait for a free slot.
    var reserved: [Holding] = []
    /// Tasks that wait for their ETA.
    var scheduled: [Holding] = []
    /// The names of the tasks that the worker can run, and what is set for them.
    var registered: [String: TaskRules] = [:]
    /// The consumed queues.
    var queues: [String] = []
    /// The number of tasks run since the start, by name.
    var totals: [String: Int] = [:]
    /// The limit of concurrent tasks.
    var concurrency = 0
    var processes: [Int32] = []
    /// The number of tasks after which a process is replaced; nil for unlimited.
    var maxTasksPerChild: Int?
    /// The worker's default limits.
    var limits = RunLimits()
    /// The limit of unsettled messages.
    var prefetchCount = 0
    /// Seconds since the start.
    var uptime = 0
    /// The settings that differ from their defaults, by Celery's names, without passwords.
    var settings = JSONObject()
}

/// A worker as remote control uses it.
///
/// Operations return once they are performed or begun; none waits for the completion of a task.
protocol ControlledWorker: Sendable {
    /// The worker's load for heartbeats; never waits.
    var load: WorkerLoad { get }

    func snapshot() async -> WorkerSnapshot

    /// Handles tasks that were added to `RevokedTasks`: waiting ones complete as revoked, running ones continue, and
    /// unknown ones are stored as revoked.
    func revoke(_ ids: [String]) async

    /// Stops tasks of the worker: running ones by a signal to their process, waiting ones before they run.
    ///
    /// - Returns: The `ids` that the worker has.
    func terminate(_ ids: [String], signal: Int32) async -> [String]

    /// Limits how often a task may start; nil removes the limit.
    ///
    /// - Returns: Whether the task exists.
    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool

    /// Changes the time limits of a task.
    ///
    /// - Returns: Whether the task exists.
    func setTimeLimits(_ limits: RunLimits, of task: String) async -> Bool

    /// Changes the number of concurrent tasks by this amount, which may be negative.
    func resizePool(by change: Int) async

    /// Consumes a further queue.
    func add(queue: String) async throws

    /// Stops consuming a queue.
    func cancel(queue: String) async throws

    /// Stops after the running tasks have completed (warm shutdown).
    func shutDown()
}

struct WorkerLoad: Sendable, Hashable {
    /// The number of running tasks.
    var active: Int
    /// The number of tasks run since the start.
    var processed: Int
}

/// How often tasks of one name may start.
struct RateLimit: Sendable, Hashable {
    /// The limit as given, `10/m`.
    var text: String
    var perSecond: Double
}

// MARK: - Replies to `inspect`

extension Holding {
    /// - Parameter isSafe: Whether to show the arguments as text.
    func json(node: String, isSafe: Bool = false) -> JSON {
        let (message, delivery) = (task.message, task.delivery)
        func shown(_ value: RawJSON, _ text: String) -> JSON {
            isSafe ? .string(text) : (try? JSON(parsing: value.bytes)) ?? .null
        }
        return [
            "id": .string(message.id), "name": .string(message.displayName),
            "args": shown(message.arguments, message.argumentsText),
            "kwargs": shown(message.kwargs, message.keywordsText), "type": .string(message.task),
            "hostname": .string(node), "time_start": .double(orNull: startedWall), "acknowledged": .bool(isHandedOver),
            "delivery_info": [
                "exchange": .string(delivery.task.exchange), "routing_key": .string(delivery.queue),
                "priority": .int(message.priority), "redelivered": .bool(delivery.isRedelivered),
            ],
            "worker_pid": .int(orNull: process.map(Int.init)),
        ]
    }
}

extension TaskRules {
    /// A task's name and those of the requested settings that are set: `lab.add [rate_limit=10/m]`.
    func text(of name: String, showing items: [String]) -> String {
        let values: [String: String?] = [
            "rate_limit": bucket?.limit.text, "soft_time_limit": limits?.soft.map { JSON.double($0).text },
            "time_limit": limits?.hard.map { JSON.double($0).text }, "name": name,
        ]
        let shown = items.compactMap { item in values[item].flatMap { $0 }.map { "\(item)=\($0)" } }
        return shown.isEmpty ? name : "\(name) [\(shown.joined(separator: " "))]"
    }
}

extension WorkerSnapshot {
    /// A queue in kombu's format.
    static func queue(_ name: String) -> JSON {
        [
            "name": .string(name),
            "exchange": [
                "name": .string(name), "type": "direct", "arguments": nil, "durable": true, "passive": false,
                "auto_delete": false, "delivery_mode": nil, "no_declare": false,
            ],
            "routing_key": .string(name), "queue_arguments": nil, "binding_arguments": nil, "consumer_arguments": nil,
            "durable": true, "exclusive": false, "auto_delete": false, "no_ack": false, "alias": nil, "bindings": [],
            "no_declare": nil, "expires": nil, "message_ttl": nil, "max_length": nil, "max_length_bytes": nil,
            "max_priority": nil,
        ]
    }

    /// Omits Celery's statistics of pipes, which this pool does not have.
    func statistics(clock: Int, broker: JSON, process: Int) -> JSON {
        [
            "total": .object(JSONObject(totals.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) })),
            "pid": .int(process), "clock": .string(String(clock)), "uptime": .int(uptime),
            "pool": [
                "implementation": "dash-swift:WorkerPool", "max-concurrency": .int(concurrency),
                "processes": .array(processes.map { .int(Int($0)) }),
                "max-tasks-per-child": maxTasksPerChild.map { .int($0) } ?? "N/A", "put-guarded-by-semaphore": false,
                "timeouts": [.double(limits.soft ?? 0), .double(limits.hard ?? 0)],
            ],
            "broker": broker, "prefetch_count": .int(prefetchCount),
        ]
    }
}
