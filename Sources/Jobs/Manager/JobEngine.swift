import DashJSON
import HeapModule

/// The state of an embedded manager, without any input or output: takes events, applies the transitions of `JobRules`, and
/// returns actions.
///
/// A completion is persisted before it is published; so is a start of an attempt before it is executed.
struct JobEngine: Sendable {
    let rules: JobRules
    /// The most jobs that run at once.
    let maximumRunning: Int

    var jobs: [JobID: JobEntry] = [:]
    var queue = Heap<QueuePlace>()
    var deadlines = Heap<Deadline>()
    /// The deadline the driver has been told to wake for.
    var armed: Duration?
    var finished = FinishedJobs()
    /// The jobs that are not finished and are to keep their result, by its key.
    var flights: [CacheKey: Flight] = [:]
    /// How many flights have ended so far.
    var landings = 0

    /// Jobs whose status or changes are newer than the store's.
    var dirty: Set<JobID> = []
    /// Jobs that the store may hold though their insertion failed.
    var removals: Set<JobID> = []
    var isFlushPlanned = false
    /// When the store is pruned next, if that is planned.
    var plannedPruning: Duration?
    var isAbandonmentPlanned = false

    var waitingCount = 0
    var runningCount = 0
    var unfinishedOfOwner: [String: Int] = [:]
    /// What the payloads and details of all unfinished jobs take.
    var unfinishedBytes = 0
    var lastTicket = 0
    /// Whether attempts may begin: from the opening to the stop.
    var isDispatching = false
    /// No attempt begins before this time, because the store could not write the last beginnings.
    var pausedUntil = Duration.zero

    init(configuration: JobManagerConfiguration, maximumRunning: Int) {
        rules = JobRules(configuration)
        self.maximumRunning = max(1, maximumRunning)
    }

    var configuration: JobManagerConfiguration { rules.limits }

    var statistics: JobStatistics {
        let scheduled = jobs.values.count { $0.status.state == .scheduled }
        return JobStatistics(
            queued: waitingCount - scheduled,
            scheduled: scheduled,
            running: runningCount,
            finished: finished.count,
            maximumRunning: maximumRunning
        )
    }
}

/// A job's place among those that wait for a worker.
struct QueuePlace: Comparable, Sendable {
    var priority: Int
    var ticket: Int
    var id: JobID

    static func < (left: QueuePlace, right: QueuePlace) -> Bool {
        left.priority == right.priority ? left.ticket < right.ticket : left.priority > right.priority
    }
}

/// Something to look at when a time has come.
struct Deadline: Comparable, Sendable {
    enum Matter: Hashable, Sendable {
        /// Jobs may be abandoned.
        case abandonment
        /// A scheduled job is due.
        case due(JobID)
        case flush
        case pruning
        /// Attempts may begin again after the store failed.
        case unpausing
    }

    var time: Duration
    var matter: Matter

    static func < (left: Deadline, right: Deadline) -> Bool { left.time < right.time }
}
