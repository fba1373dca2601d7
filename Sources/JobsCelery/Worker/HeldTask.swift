import DashJSON
import Jobs

/// A message that a worker has got, read, and can run.
final class HeldTask: Sendable {
    /// Tells it apart from all others that this worker ever held.
    let number: Int
    /// As it first came; the machine knows whether it came again since.
    let delivery: Delivery
    let message: TaskMessage
    /// What runs it.
    let job: JobDefinition
    /// Set when it is a job of a site, which has a record.
    let record: JobID?

    init(number: Int, delivery: Delivery, message: TaskMessage, job: JobDefinition, record: JobID? = nil) {
        self.number = number
        self.delivery = delivery
        self.message = message
        self.job = job
        self.record = record
    }

    var id: String { message.id }
}

/// What the machine knows of a message that the worker holds.
struct Holding: Sendable {
    enum Stage: Sendable, Hashable {
        /// It waits for a free slot, for its turn by the rate limit, or for its time.
        case waiting
        /// It has a slot.
        case running
        /// Its end is being told.
        case ending
    }

    let task: HeldTask
    /// What is to be settled: the last delivery of the message.
    var delivery: Delivery
    var stage = Stage.waiting
    /// Milliseconds since 1970; an eta so near that it is waited for here.
    var notBefore: Int64?
    var process: Int32?
    /// When the process began it.
    var started: ContinuousClock.Instant?
    var startedWall: Int64?
    var stop: StopReason?
    var keeping = Keeping.broker
    /// Whether it is kept safe in another place than the broker, which thinks it is done.
    var isHandedOver: Bool { keeping == .keeper }
}

/// Who has the message of a held task, and is to settle it.
enum Keeping: Sendable, Hashable {
    case broker
    /// It is being handed over: the broker has it still, and the keeper perhaps.
    case handingOver
    /// It could not be handed over, as far as is known: the broker has it still, and the keeper perhaps.
    case unsure
    case keeper
}

/// Why a running task is to stop.
enum StopReason: Sendable, Hashable {
    /// Its time is over, in seconds; it may tidy up.
    case softLimit(Double)
    /// Its time is over, in seconds.
    case hardLimit(Double)
    /// Somebody ended it by remote control, with this signal.
    case terminated(Int32)
    /// The worker stops at once.
    case coldShutdown
    /// The record of the job says so.
    case standing(JobStanding)

    /// How it is stopped.
    var force: StopForce {
        switch self {
        case .softLimit: .interrupt
        case .hardLimit, .coldShutdown, .standing(.superseded): .kill
        case .terminated(let signal): signal == 9 ? .kill : .cancel
        case .standing: .cancel
        }
    }
}

/// How much force stops a task.
enum StopForce: Sendable, Hashable {
    /// It is asked, and has all the time it takes.
    case interrupt
    /// It is asked, and killed after a while.
    case cancel
    case kill
}

/// How a run ended, seen with why it was to stop.
enum RunOutcome: Sendable, Hashable {
    /// By itself: `cancelled` is not among these.
    case outcome(WorkerOutcome)
    /// By this time limit, in seconds.
    case softLimit(Double)
    case hardLimit(Double)
    case terminated(Int32)
    case standing(JobStanding)
    /// It was stopped for no fault of its own, and may run again elsewhere.
    case interrupted
}

extension TaskInfo {
    /// What a held message's task is.
    init(_ task: HeldTask) {
        let message = task.message
        self.init(id: message.id, name: message.displayName, type: message.task)
        arguments = message.arguments
        kwargs = message.kwargs
        argumentsText = message.argumentsRepr ?? PythonRepr.ofArguments(message.arguments)
        kwargsText = message.keywordsRepr ?? PythonRepr.of(message.kwargs)
        exchange = task.delivery.task.exchange
        routingKey = task.delivery.queue
        priority = message.priority
        isRedelivered = task.delivery.isRedelivered
        stamps = message.stamps
    }

    init(_ holding: Holding) {
        self.init(holding.task)
        started = holding.startedWall.map { Double($0) / 1000 }
        process = holding.process.map(Int.init)
        isAcknowledged = holding.isHandedOver
    }
}

extension ScheduledTask {
    init(_ task: HeldTask) {
        self.init(eta: ISO8601.text(task.message.eta ?? 0), task: TaskInfo(task))
    }
}

/// Lets tasks of one name start only so often: the first at once, then one after each interval, as Celery's token bucket
/// of the capacity 1 does.
struct RateBucket: Sendable {
    let limit: RateLimit
    private var next: ContinuousClock.Instant?

    init(_ limit: RateLimit) {
        self.limit = limit
    }

    /// When a task may start, now at the earliest.
    func earliest(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        next.map { max($0, now) } ?? now
    }

    /// A task starts.
    mutating func take(_ now: ContinuousClock.Instant) {
        // Not from the plan but from the start: a late one is not made up for by a burst.
        next = now + .seconds(1) / max(limit.perSecond, 1e-9)
    }
}

/// What is set for tasks of a name while a worker runs.
struct TaskRules: Sendable {
    var bucket: RateBucket?
    /// Whether the limits below are to be taken in place of the worker's.
    var hasOwnLimits = false
    /// Seconds.
    var softLimit: Double?
    /// Seconds.
    var hardLimit: Double?
}

/// How long a task may run.
struct RunLimits: Sendable, Hashable {
    /// Seconds; after it a task is asked to stop.
    var soft: Double?
    /// Seconds; after it a task is killed.
    var hard: Double?

    /// The next limit of a task that has run for a time, and why it stops then.
    func next(isInterrupted: Bool) -> (after: Double, reason: StopReason)? {
        if let soft, !isInterrupted, soft < hard ?? .infinity { return (soft, .softLimit(soft)) }
        return hard.map { ($0, .hardLimit($0)) }
    }
}

/// The tasks that a worker can run.
struct TaskTable: Sendable {
    /// By their names on the queue.
    private let tasks: [String: JobDefinition]
    private let jobs: [String: JobDefinition]

    init(_ jobs: [JobDefinition]) {
        tasks = Dictionary(jobs.map { ($0.taskName, $0) }) { first, _ in first }
        self.jobs = Dictionary(jobs.map { ($0.name, $0) }) { first, _ in first }
    }

    /// The names on the queue, sorted.
    var names: [String] { tasks.keys.sorted() }

    /// What runs a task of a name on the queue.
    subscript(task name: String) -> JobDefinition? { tasks[name] }

    /// The job of a name in this program.
    subscript(job name: String) -> JobDefinition? { jobs[name] }
}
