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
    var keywords = RawJSON(unchecked: Array("{}".utf8))
    /// The arguments as Python text, `(1, 2)`: the header `argsrepr`.
    var argumentsText = "()"
    /// The named arguments as Python text, `{'y': 2}`.
    var keywordsText = "{}"
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
