package import DashJSON
import Synchronization

/// Stores the jobs and cached results of an embedded manager.
///
/// Only one manager uses a store. Calls may overlap. The order of overlapping writes is free: ``JobStatus/revision``
/// decides which status is newer.
package protocol JobStore: Sendable {
    /// Opens the store. Called once, before anything else.
    ///
    /// - Returns: All unfinished jobs, in the order of their creation.
    /// - Throws: `JobsError`, for example `.folderInUse`.
    func open() async throws -> [StoredJob]

    /// Writes all changes or none. They are durable when this returns.
    ///
    /// Must not give up when the task is cancelled.
    ///
    /// - Returns: The inserted jobs that were already stored and finished; these are left unchanged.
    /// - Throws: Any error; then nothing was written, as far as the store knows.
    func write(_ changes: [StoreChange]) async throws -> Set<JobID>

    /// Reads one job; nil if there is none.
    func job(_ id: JobID) async throws -> StoredJob?

    /// Reads a cached result that has not expired, and marks it as used at `time`.
    func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON?

    /// Removes finished jobs and expired results, not necessarily all at once.
    ///
    /// - Parameters:
    ///   - limit: Jobs that finished at or before this time are removed.
    ///   - time: The current time, which decides what has expired.
    /// - Returns: When there will be more to remove, as far as it is known.
    func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning

    /// Closes the store. Nothing is called after it.
    func close() async
}

/// When a store has to be pruned again.
package struct StorePruning: Sendable, Hashable {
    /// The earliest time at which one of the remaining jobs finished.
    package var oldestFinished: WallTime?
    /// When the next cached result expires.
    package var nextExpiry: WallTime?
    /// Whether there is more to remove at once.
    package var hasMore: Bool

    package init(oldestFinished: WallTime? = nil, nextExpiry: WallTime? = nil, hasMore: Bool = false) {
        self.oldestFinished = oldestFinished
        self.nextExpiry = nextExpiry
        self.hasMore = hasMore
    }
}

/// One change in a write.
package enum StoreChange: Sendable {
    /// Inserts a job. A stored job with the same id is replaced if it is not finished.
    case insert(StoredJob)
    /// Updates the status of a job, and its merged changes unless they are nil. Ignored if the stored revision is not
    /// lower, or the job is unknown.
    case update(JobID, JobStatus, JobChanges?)
    /// Removes a job whose insertion seemed to fail.
    case remove(JobID)
    /// Caches a result, last used at the given time.
    case cache(CacheStore, RawJSON, WallTime)
}

package struct StoredJob: Sendable {
    /// The request. The payload of a finished job may be missing.
    package var request: JobRequest
    package var status: JobStatus
    /// What the job sent to its page.
    package var changes: JobChanges

    package init(request: JobRequest, status: JobStatus, changes: JobChanges = JobChanges()) {
        self.request = request
        self.status = status
        self.changes = changes
    }
}

/// The status of a job as stores keep it.
package struct JobStatus: Sendable {
    /// The version of this status. A store never replaces a higher one by a lower one.
    package var revision = 1
    package var state: JobState
    /// The number of the current or last attempt. Reports of other attempts are ignored.
    package var attempt = 0
    /// The number of failed attempts.
    package var failures = 0
    /// How often the job was restarted because the server stopped.
    package var interruptions = 0
    /// When the job was created.
    package var created: WallTime
    /// When the current or last attempt began.
    package var started: WallTime?
    /// When the job ended.
    package var finished: WallTime?
    /// When a scheduled job is queued.
    package var due: WallTime?
    /// Why the job was ended on request.
    package var endReason: String?
    /// The failure of a job without a result.
    package var failure: JobFailure?
    /// The number of the newest change.
    package var sequence = 0
    package var result: RawJSON?
    /// The last delivery to the page.
    package var delivery: Delivery?

    package init(state: JobState, created: WallTime) {
        self.state = state
        self.created = created
    }
}

/// A store in memory, for tests and for apps whose jobs need not survive a restart.
///
/// The store outlives its manager: a test can pass it to the next one.
package final class MemoryJobStore: JobStore {
    private struct CachedResult {
        var result: RawJSON
        var expire: Duration?
        var lastUse: WallTime

        var expiry: WallTime? { expire.map { lastUse + $0 } }
    }

    private struct Tables {
        var jobs: [JobID: StoredJob] = [:]
        var order: [JobID] = []
        var cache: [CacheKey: CachedResult] = [:]

        mutating func insert(_ job: StoredJob) -> Bool {
            if let known = jobs[job.request.id] {
                if known.status.state.isFinished { return false }
            } else {
                order.append(job.request.id)
            }
            jobs[job.request.id] = job
            return true
        }

        mutating func update(_ id: JobID, _ status: JobStatus, _ changes: JobChanges?) {
            guard let known = jobs[id], known.status.revision < status.revision else { return }
            jobs[id]?.status = status
            if let changes { jobs[id]?.changes = changes }
            if status.state.isFinished { jobs[id]?.request.payload = [] }
        }
    }

    private let tables = Mutex(Tables())

    package init() {}

    package func open() async throws -> [StoredJob] {
        tables.withLock { tables in
            tables.order = tables.order.filter { tables.jobs[$0] != nil }
            return tables.order.compactMap { tables.jobs[$0] }.filter { !$0.status.state.isFinished }
        }
    }

    package func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
        tables.withLock { tables in
            var refused: Set<JobID> = []
            for change in changes {
                switch change {
                case .insert(let job):
                    if !tables.insert(job) { refused.insert(job.request.id) }
                case .update(let id, let status, let changes): tables.update(id, status, changes)
                case .remove(let id): tables.jobs[id] = nil
                case .cache(let cache, let result, let time):
                    tables.cache[cache.key] = CachedResult(result: result, expire: cache.expire, lastUse: time)
                }
            }
            return refused
        }
    }

    package func job(_ id: JobID) async throws -> StoredJob? {
        tables.withLock { $0.jobs[id] }
    }

    package func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        tables.withLock { tables in
            guard let cached = tables.cache[key], cached.expiry.map({ $0 > time }) ?? true else { return nil }
            tables.cache[key]?.lastUse = time
            return cached.result
        }
    }

    package func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        tables.withLock { tables in
            tables.jobs = tables.jobs.filter { $0.value.status.finished.map { $0 > limit } ?? true }
            tables.cache = tables.cache.filter { $0.value.expiry.map { $0 > time } ?? true }
            return StorePruning(
                oldestFinished: tables.jobs.values.compactMap(\.status.finished).min(),
                nextExpiry: tables.cache.values.compactMap(\.expiry).min()
            )
        }
    }

    package func close() async {}
}
