import DashJSON

/// A job in the engine's memory.
struct JobEntry: Sendable {
    var request: JobRequest
    /// The published status.
    var status: JobStatus
    var changes: JobChanges
    /// The status of a end that is being written and not published yet.
    var ending: JobStatus?
    /// The order of the start among all jobs.
    var ticket = 0
    /// Whether the insertion is written.
    var isInserted = true
    /// Whether the executor has the current attempt.
    var isExecuting = false
    /// The reason of a cancellation that came before the insertion was written.
    var earlyCancellation: String?
    /// Why the engine stopped the current attempt.
    var stopFailure: JobFailure?
    /// Whether the job waits for the end of another job with its cache key.
    var isFollowing = false
    /// The end that the job takes over instead of running.
    var sharedEnd: SharedEnd?
    /// When the job was last read, by the monotonic clock.
    var lastAsked: Duration
    /// The callers that wait for an update.
    var waiters: Set<Int> = []

    init(request: JobRequest, status: JobStatus, changes: JobChanges = JobChanges(), lastAsked: Duration) {
        self.request = request
        self.status = status
        self.changes = changes
        self.lastAsked = lastAsked
    }

    init(_ job: StoredJob, lastAsked: Duration) {
        self.init(request: job.request, status: job.status, changes: job.changes, lastAsked: lastAsked)
    }

    var stored: StoredJob { StoredJob(request: request, status: status, changes: changes) }

    /// The executor's id of the current attempt. It contains the attempt, so that a late report of an earlier attempt
    /// does not apply to a later one.
    var taskID: String { "\(request.id.text).\(status.attempt)" }

    /// Whether an attempt is under way and its end is not being written.
    var isUnderWay: Bool {
        ending == nil && (status.state == .running || status.state == .cancelling)
    }

    /// Whether the job waits for a worker.
    var isQueued: Bool { ending == nil && status.state == .queued }

    /// Whether others with its cache key may wait for its end.
    var mayLead: Bool { facts.mayLead && earlyCancellation == nil }

    /// Whether it still waits for the end of another job.
    var isWaitingForLeader: Bool { isFollowing && ending == nil && !status.state.isFinished }

    /// The approximate size in memory, in bytes.
    var bytes: Int {
        changes.bytes + request.inputBytes + (status.result?.bytes.count ?? 0) + 512
    }

    /// What the rules read of the job.
    var facts: JobFacts {
        var facts = JobFacts(request)
        facts.state = status.state
        facts.attempt = status.attempt
        facts.fence = isUnderWay ? "\(status.attempt)" : nil
        facts.failures = status.failures
        facts.interruptions = status.interruptions
        facts.isFollowing = isFollowing
        facts.stop = stopFailure
        return facts
    }

    func update(after sequence: Int) -> JobUpdate {
        var update = JobUpdate(
            id: request.id,
            name: request.name,
            owner: request.owner,
            page: request.page,
            version: request.version,
            state: status.state
        )
        update.attempt = status.attempt
        update.endReason = status.endReason
        update.failure = status.failure
        update.sequence = status.sequence
        update.progress = changes.progress(after: sequence)
        update.props = changes.props(after: sequence)
        update.result = status.result
        update.details = request.details
        update.delivery = status.delivery
        return update
    }

    func ended(_ end: JobEnd, at time: WallTime) -> JobStatus {
        var ending = status
        ending.state = end.state
        ending.endReason = end.reason ?? ending.endReason
        ending.failure = end.failure
        ending.result =
            switch end.result {
            case .none: nil
            case .value(let result): result
            case .cached, .of: sharedEnd?.result
            }
        ending.finished = time
        ending.due = nil
        ending.sequence += 1
        ending.revision += 1
        return ending
    }

    mutating func merge(_ values: [PropertyValue], as sort: JobChanges.Sort) {
        for value in values {
            status.sequence += 1
            changes.merge(value, as: sort, sequence: status.sequence)
        }
    }

    mutating func takeWaiters() -> Set<Int> {
        defer { waiters = [] }
        return waiters
    }
}
