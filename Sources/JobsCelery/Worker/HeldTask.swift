import CeleryProtocol
import Jobs

/// A message that a worker holds, has parsed, and can run.
final class HeldTask: Sendable {
    /// Unique among all tasks that this worker ever held.
    let number: Int
    /// The first delivery; the machine knows the newest.
    let delivery: Delivery
    let message: TaskMessage
    let job: JobDefinition
    /// Set for a Dash job, which has a record.
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

/// The machine's state of a message that the worker holds.
struct Holding: Sendable {
    enum Stage: Sendable, Hashable {
        /// It waits for a free slot, for the rate limit, or for its time.
        case waiting
        /// It has a slot.
        case running
        /// Its completion is being reported.
        case ending
    }

    let task: HeldTask
    /// What is to be settled: the newest delivery of the message.
    var delivery: Delivery
    var stage = Stage.waiting
    /// Milliseconds since 1970: an eta so near that the message waits here.
    var notBefore: Int64?
    var process: Int32?
    /// When the process began it.
    var started: ContinuousClock.Instant?
    /// The same in seconds since 1970.
    var startedWall: Double?
    var stop: StopReason?
    var custody = Custody.broker
    /// Whether the message is in the vault, and acknowledged to the broker.
    var isHandedOver: Bool { custody == .vault }
    var mayBeHandedOver: Bool { custody == .broker || custody == .unsure }
}

/// Where the message of a held task is, and thus where it is to be settled.
enum Custody: Sendable, Hashable {
    case broker
    /// It is being copied: at the broker, and perhaps in the vault.
    case handingOver
    /// The copy failed as far as is known: at the broker, and perhaps in the vault.
    case unsure
    case vault
}

/// Limits how often tasks of one name start: the first at once, then one after each interval, as Celery's token bucket
/// of capacity 1 does.
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
        // From the actual start, so that a late one is not followed by a burst.
        next = now + .seconds(1) / max(limit.perSecond, 1e-9)
    }
}

/// What is set for tasks of a name while a worker runs.
struct TaskRules: Sendable {
    var bucket: RateBucket?
    /// They replace the worker's limits.
    var limits: RunLimits?
}

/// How long a task may run.
struct RunLimits: Sendable, Hashable {
    /// Seconds, after which a task is asked to stop.
    var soft: Double?
    /// Seconds, after which a task is killed.
    var hard: Double?

    /// The next limit that a running task reaches, and the reason for its stop.
    func next(isInterrupted: Bool) -> (after: Double, reason: StopReason)? {
        if let soft, !isInterrupted, soft < hard ?? .infinity { return (soft, .softLimit(soft)) }
        return hard.map { ($0, .hardLimit($0)) }
    }
}
