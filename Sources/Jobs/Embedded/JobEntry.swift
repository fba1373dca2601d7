public import DashJSON

/// A job in the engine's memory.
struct JobEntry: Sendable {
    var request: JobRequest
    /// What everybody may be told.
    var status: JobStatus
    var changes: JobChanges
    /// An end that is being written and told to nobody until then.
    var ending: JobStatus?
    /// The order of its start among all jobs.
    var ticket = 0
    /// Whether the job's insertion is written.
    var isInserted = true
    /// Whether the executor has it.
    var isExecuting = false
    /// A cancellation that came before the insertion was written.
    var earlyCancellation: String?
    /// Why the running attempt was stopped by the engine itself.
    var stopFailure: JobFailure?
    /// Whether it waits for the end of another job with the same key.
    var isFollowing = false
    /// An end that it gets without running, told when it is written.
    var sharedEnd: SharedEnd?
    /// When somebody last asked for it, by the monotonic clock.
    var lastAsked: Duration
    /// Those who wait for news.
    var waiters: Set<Int> = []

    init(request: JobRequest, status: JobStatus, changes: JobChanges = JobChanges(), lastAsked: Duration) {
        self.request = request
        self.status = status
        self.changes = changes
        self.lastAsked = lastAsked
    }

    /// The id the executor knows the present attempt by. It holds the attempt, so that a late word about an old attempt
    /// cannot be taken for one about the new.
    var taskID: String { "\(request.id.text).\(status.attempt)" }

    /// Whether an attempt is under way, as far as the job's own words and ends are concerned.
    var isUnderWay: Bool {
        ending == nil && (status.state == .running || status.state == .cancelling)
    }

    /// What the job was started with, in bytes.
    var inputBytes: Int { request.payload.count + request.details.count }

    /// What the job takes in memory, roughly.
    var bytes: Int {
        changes.bytes + inputBytes + (status.result?.bytes.count ?? 0) + 512
    }

    func news(after sequence: Int) -> JobUpdate {
        JobUpdate(
            id: request.id,
            name: request.name,
            owner: request.owner,
            page: request.page,
            version: request.version,
            state: status.state,
            attempt: status.attempt,
            endReason: status.endReason,
            failure: status.failure,
            sequence: status.sequence,
            progress: changes.progress(after: sequence),
            props: changes.props(after: sequence),
            result: status.result,
            details: request.details,
            delivery: status.delivery
        )
    }
}

/// How a job stands, as stores keep it.
public struct JobStatus: Sendable {
    /// Counts the versions of this status; a store never replaces a higher by a lower.
    public var revision = 1
    /// Where the job stands.
    public var state: JobState
    /// The number of the present or last attempt. Whatever another attempt says is refused.
    public var attempt = 0
    /// How many attempts failed by the job's own fault.
    public var failures = 0
    /// How often the job was started again because the server came down.
    public var interruptions = 0
    /// When it was started by a page.
    public var created: WallTime
    /// When its present or last attempt began.
    public var started: WallTime?
    /// When it ended.
    public var finished: WallTime?
    /// Before this time no further attempt begins.
    public var due: WallTime?
    /// Why it ended, where somebody decided so.
    public var endReason: String?
    /// Why it ended without a result.
    public var failure: JobFailure?
    /// The number of the newest change.
    public var sequence = 0
    /// The result of a job that succeeded.
    public var result: RawJSON?
    /// The answer that was last given to the page.
    public var delivery: Delivery?

    /// The status of a job that was just created.
    public init(state: JobState, created: WallTime) {
        self.state = state
        self.created = created
    }
}

/// The order in which jobs finished, of those that are still in memory.
struct FinishedJobs: Sendable {
    private var order: [(id: JobID, bytes: Int)] = []
    private var head = 0
    private(set) var bytes = 0

    var count: Int { order.count - head }
    var oldest: JobID? { head < order.count ? order[head].id : nil }

    mutating func append(_ id: JobID, bytes added: Int) {
        order.append((id, added))
        bytes += added
    }

    mutating func removeOldest() {
        bytes -= order[head].bytes
        head += 1
        // Now and then the front is cut off, so that each removal costs little on average.
        if head > 64, head * 2 > order.count {
            order.removeFirst(head)
            head = 0
        }
    }
}
