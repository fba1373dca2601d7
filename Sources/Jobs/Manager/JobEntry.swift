import DashJSON

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

    func news(after sequence: Int) -> JobNews {
        JobNews(
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
