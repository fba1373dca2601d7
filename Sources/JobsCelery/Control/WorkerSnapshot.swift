import DashJSON

/// The state of a worker at one moment.
struct WorkerSnapshot: Sendable {
    /// Running tasks.
    var active: [TaskInfo] = []
    /// Tasks that wait for a free slot.
    var reserved: [TaskInfo] = []
    /// Tasks that wait for their ETA.
    var scheduled: [ScheduledTask] = []
    /// The tasks that the worker can run.
    var registered: [RegisteredTask] = []
    /// The consumed queues.
    var queues: [QueueInfo] = []
    /// The number of tasks run since the start, by name.
    var totals: [String: Int] = [:]
    var pool = PoolInfo()
    /// The limit of unsettled messages.
    var prefetchCount = 0
    /// Seconds since the start.
    var uptime = 0
    /// The settings that differ from their defaults, by Celery's names, without passwords.
    var settings = JSONObject()
}

/// A task held by a worker.
struct TaskInfo: Sendable, Hashable {
    var id: String
    /// The display name: the header `shadow`, or the task's name.
    var name: String
    /// The task's name.
    var type: String
    /// The arguments as sent, an array.
    var arguments = RawJSON.emptyArray
    /// The named arguments as sent, an object.
    var kwargs = RawJSON.emptyObject
    /// The arguments for display: the header `argsrepr`, or their JSON text.
    var argumentsText = "[]"
    /// The named arguments for display.
    var kwargsText = "{}"
    /// The start time in seconds since 1970; nil if it waits.
    var started: Double?
    var isAcknowledged = false
    var exchange = ""
    var routingKey = ""
    var priority = 0
    var isRedelivered = false
    /// The ID of the process that runs it.
    var process: Int?
}

/// A task that waits for its ETA.
struct ScheduledTask: Sendable, Hashable {
    /// ISO 8601.
    var eta: String
    var task: TaskInfo
}

/// A task that a worker can run.
struct RegisteredTask: Sendable, Hashable {
    var name: String
    var rateLimit: RateLimit?
    /// In seconds.
    var softTimeLimit: Double?
    /// In seconds.
    var timeLimit: Double?
}

/// A queue that a worker consumes.
struct QueueInfo: Sendable, Hashable {
    var name: String
}

/// The processes that run tasks.
struct PoolInfo: Sendable, Hashable {
    /// The limit of concurrent tasks.
    var concurrency = 0
    var processes: [Int] = []
    /// The number of tasks after which a process is replaced; nil for unlimited.
    var maxTasksPerChild: Int?
    /// The worker's default limits, in seconds.
    var softTimeLimit: Double?
    var timeLimit: Double?
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

    /// Changes the time limits of a task, in seconds; nil for none.
    ///
    /// - Returns: Whether the task exists.
    func setTimeLimit(soft: Double?, hard: Double?, of task: String) async -> Bool

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

extension TaskInfo {
    /// The task in the reply to `inspect`.
    ///
    /// - Parameters:
    ///   - isSafe: Whether to show the arguments as text.
    func json(node: String, isSafe: Bool = false) -> JSON {
        [
            "id": .string(id), "name": .string(name),
            "args": isSafe ? .string(argumentsText) : Self.value(arguments),
            "kwargs": isSafe ? .string(kwargsText) : Self.value(kwargs),
            "type": .string(type), "hostname": .string(node), "time_start": .double(orNull: started),
            "acknowledged": .bool(isAcknowledged),
            "delivery_info": [
                "exchange": .string(exchange), "routing_key": .string(routingKey), "priority": .int(priority),
                "redelivered": .bool(isRedelivered),
            ],
            "worker_pid": .int(orNull: process),
        ]
    }

    private static func value(_ text: RawJSON) -> JSON {
        (try? JSON(parsing: text.bytes)) ?? .null
    }
}

extension ScheduledTask {
    func json(node: String) -> JSON {
        // The priority of Celery's timer, always 6.
        ["eta": .string(eta), "priority": 6, "request": task.json(node: node)]
    }
}

extension RegisteredTask {
    /// The task's name and the requested settings that are set: `lab.add [rate_limit=10/m]`.
    func text(showing items: [String]) -> String {
        let values: [String: String?] = [
            "rate_limit": rateLimit?.text, "soft_time_limit": softTimeLimit.map { JSON.double($0).text },
            "time_limit": timeLimit.map { JSON.double($0).text }, "name": name,
        ]
        let shown = items.compactMap { item in values[item].flatMap { $0 }.map { "\(item)=\($0)" } }
        return shown.isEmpty ? name : "\(name) [\(shown.joined(separator: " "))]"
    }
}

extension QueueInfo {
    /// The queue in kombu's format.
    var json: JSON {
        [
            "name": .string(name),
            "exchange": [
                "name": .string(name), "type": "direct", "arguments": nil, "durable": true,
                "passive": false,
                "auto_delete": false, "delivery_mode": nil, "no_declare": false,
            ],
            "routing_key": .string(name), "queue_arguments": nil,
            "binding_arguments": nil, "consumer_arguments": nil, "durable": true, "exclusive": false,
            "auto_delete": false, "no_ack": false, "alias": nil, "bindings": [], "no_declare": nil, "expires": nil,
            "message_ttl": nil, "max_length": nil, "max_length_bytes": nil,
            "max_priority": nil,
        ]
    }
}
