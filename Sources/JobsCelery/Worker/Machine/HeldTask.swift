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
enum RunEnd: Sendable, Hashable {
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
