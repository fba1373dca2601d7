import DashJSON

/// What a worker holds and does at a moment.
struct WorkerSnapshot: Sendable {
    /// Tasks whose code runs.
    var active: [TaskInfo] = []
    /// Tasks that wait here for a free place.
    var reserved: [TaskInfo] = []
    /// Tasks that wait here for their time.
    var scheduled: [ScheduledTask] = []
    /// The tasks that can be run, and what is set for each.
    var registered: [RegisteredTask] = []
    /// The queues that are taken from.
    var queues: [QueueInfo] = []
    /// How many tasks of each name have been run since the start.
    var totals: [String: Int] = [:]
    var pool = PoolInfo()
    /// How many messages may be unsettled at once.
    var prefetchCount = 0
    /// Seconds since the start.
    var uptime = 0
    /// The settings that differ from their defaults, by Celery's names; secrets are masked later.
    var settings = JSONObject()
    /// The settings that have their defaults.
    var defaultSettings = JSONObject()
}

/// A task that a worker has.
struct TaskInfo: Sendable, Hashable {
    var id: String
    /// The name to show: the header `shadow`, or the task's name.
    var name: String
    /// The task's name.
    var type: String
    /// The arguments as they were sent, an array.
    var arguments = RawJSON(unchecked: Array("[]".utf8))
    /// The named arguments as they were sent, an object.
    var kwargs = RawJSON(unchecked: Array("{}".utf8))
    /// The arguments as Python text, `(1, 2)`: the header `argsrepr`.
    var argumentsText = "()"
    /// The named arguments as Python text, `{'y': 2}`.
    var kwargsText = "{}"
    /// When it was started, seconds since 1970; nil if it waits.
    var started: Double?
    var isAcknowledged = false
    var exchange = ""
    var routingKey = ""
    var priority = 0
    var isRedelivered = false
    /// The process that runs it.
    var process: Int?
    /// The header `stamps`.
    var stamps = JSONObject()
}

/// A task that waits for its time.
struct ScheduledTask: Sendable, Hashable {
    /// ISO 8601.
    var eta: String
    var task: TaskInfo
}

/// A task that a worker can run.
struct RegisteredTask: Sendable, Hashable {
    var name: String
    var rateLimit: RateLimit?
    /// Seconds.
    var softTimeLimit: Double?
    /// Seconds.
    var timeLimit: Double?
}

/// A queue that a worker takes from.
struct QueueInfo: Sendable, Hashable {
    var name: String
    /// What it was declared with on RabbitMQ, `{"x-max-priority": 10}`; nil if nothing.
    var arguments: JSONObject?
    var maximumPriority: Int?
    var isDurable = true
}

/// The processes that run tasks.
struct PoolInfo: Sendable, Hashable {
    /// How many tasks run at once at most.
    var concurrency = 0
    var processes: [Int] = []
    /// After so many tasks a process is replaced; nil is never.
    var maxTasksPerChild: Int?
    /// The worker's own limits, seconds.
    var softTimeLimit: Double?
    var timeLimit: Double?
}

/// What remote control sees of a worker, and what it may ask of it.
///
/// The worker implements it. What is asked here is done or begun when the call returns; nothing waits for a task's end.
protocol ControlledWorker: Sendable {
    /// How busy the worker is, for heartbeats: answered at once, whatever else goes on.
    var load: WorkerLoad { get }

    /// What the worker holds and does just now.
    func snapshot() async -> WorkerSnapshot

    /// Somebody revoked tasks, which `RevokedTasks` knows already: those that wait here end as revoked, those that run go
    /// on, and those that nobody has seen yet are stored as revoked.
    func revoke(_ ids: [String]) async

    /// Ends tasks that the worker has: one that runs by a signal to its process, one that waits before it is run.
    ///
    /// - Returns: those of `ids` that the worker has.
    func terminate(_ ids: [String], signal: Int32) async -> [String]

    /// Lets tasks of a name start only so often; nil takes a limit away.
    ///
    /// - Returns: whether there is such a task.
    func setRateLimit(_ limit: RateLimit?, of task: String) async -> Bool

    /// Changes the time limits (seconds) of tasks of a name; nil is none.
    ///
    /// - Returns: whether there is such a task.
    func setTimeLimit(soft: Double?, hard: Double?, of task: String) async -> Bool

    /// Runs so many tasks more (or, below zero, less) at once.
    func resizePool(by change: Int) async

    /// Takes from a queue too.
    func add(queue: String) async throws

    /// Takes from a queue no more.
    func cancel(queue: String) async throws

    /// Stops when the running tasks have ended (warm shutdown).
    func shutDown()
}

/// How busy a worker is.
struct WorkerLoad: Sendable, Hashable {
    /// Tasks that run.
    var active: Int
    /// Tasks that have been run since the start.
    var processed: Int
}

/// How often tasks of a name may start.
struct RateLimit: Sendable, Hashable {
    /// As it was said, `10/m`.
    var text: String
    /// Starts in a second.
    var perSecond: Double
}

extension TaskInfo {
    /// What `inspect` shows.
    ///
    /// - Parameters:
    ///   - isSafe: The arguments as texts, not as values.
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
        // The priority is that of Celery's timer, always 6.
        ["eta": .string(eta), "priority": 6, "request": task.json(node: node)]
    }
}

extension RegisteredTask {
    /// The task's name and those of its settings that were asked for and are set: `lab.add [rate_limit=10/m]`.
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
    /// A queue as kombu writes one.
    var json: JSON {
        [
            "name": .string(name),
            "exchange": [
                "name": .string(name), "type": "direct", "arguments": nil, "durable": .bool(isDurable),
                "passive": false,
                "auto_delete": false, "delivery_mode": nil, "no_declare": false,
            ],
            "routing_key": .string(name), "queue_arguments": arguments.map { .object($0) } ?? .null,
            "binding_arguments": nil, "consumer_arguments": nil, "durable": .bool(isDurable), "exclusive": false,
            "auto_delete": false, "no_ack": false, "alias": nil, "bindings": [], "no_declare": nil, "expires": nil,
            "message_ttl": nil, "max_length": nil, "max_length_bytes": nil,
            "max_priority": .int(orNull: maximumPriority),
        ]
    }
}
