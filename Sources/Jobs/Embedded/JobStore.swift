public import DashJSON
import Synchronization

/// Where an embedded manager keeps its jobs and cached results.
///
/// The manager is the only one to use a store. Calls may overlap; the order in which overlapping writes are done is free,
/// as ``JobStatus/revision`` tells which is newer.
public protocol JobStore: Sendable {
    /// Opens the store. Called once, before anything else.
    ///
    /// - Returns: All jobs that are not finished, in the order they were created.
    /// - Throws: `JobsError`, for example `.folderInUse`.
    func open() async throws -> [StoredJob]

    /// Writes all changes or none. When this returns they are durable.
    ///
    /// Must not give up because the task is cancelled.
    ///
    /// - Returns: The jobs among the inserted that are there already and finished; they are left as they are.
    /// - Throws: Any error; nothing was written then, as far as the store can tell.
    func write(_ changes: [StoreChange]) async throws -> Set<JobID>

    /// Reads one job, or nil if there is none.
    func job(_ id: JobID) async throws -> StoredJob?

    /// Reads a cached result that is not expired, and counts it as used at `time`.
    func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON?

    /// Removes finished jobs and expired results, not necessarily all at once.
    ///
    /// - Parameters:
    ///   - limit: Jobs that finished at this time or before are removed.
    ///   - time: The present time, which decides what is expired.
    /// - Returns: When something will be there to remove next, if anything is known, and whether there is already.
    func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning

    /// Closes the store. Nothing is called after it.
    func close() async
}

/// What the next pruning of a store has to wait for.
public struct StorePruning: Sendable, Hashable {
    /// When the job finished that was the first to finish of those that are left.
    public var oldestFinished: WallTime?
    /// When the next cached result expires.
    public var nextExpiry: WallTime?
    /// Whether there was more to remove than is done in one go, so that it has to be done again at once.
    public var hasMore: Bool

    /// Makes the answer of a pruning.
    public init(oldestFinished: WallTime? = nil, nextExpiry: WallTime? = nil, hasMore: Bool = false) {
        self.oldestFinished = oldestFinished
        self.nextExpiry = nextExpiry
        self.hasMore = hasMore
    }
}

/// One thing to write.
public enum StoreChange: Sendable {
    /// A new job. One of the same id that is not finished is replaced in its status.
    case insert(StoredJob)
    /// The status of a job, and its merged changes unless they are nil, which leaves them as they are. It has no effect
    /// if the stored revision is as high or higher, or the job is not there.
    case update(JobID, JobStatus, JobChanges?)
    /// A job whose insertion failed, as far as one could tell.
    case remove(JobID)
    /// A result to be kept under a key, last used at the given time.
    case cache(CacheStore, RawJSON, WallTime)
}

/// A job as stores keep it.
public struct StoredJob: Sendable {
    /// What was asked for. Of a finished job the payload may be missing.
    public var request: JobRequest
    /// How it stands.
    public var status: JobStatus
    /// What it sent to its page.
    public var changes: JobChanges

    /// Makes a job.
    public init(request: JobRequest, status: JobStatus, changes: JobChanges = JobChanges()) {
        self.request = request
        self.status = status
        self.changes = changes
    }
}

/// A store that keeps everything in memory, for tests and for apps whose jobs need not survive a restart.
///
/// The store lives on when its manager ends; a test can give it to the next.
public final class MemoryJobStore: JobStore {
    struct CachedResult {
        var result: RawJSON
        var expire: Duration?
        var lastUse: WallTime

        var expiry: WallTime? { expire.map { lastUse + $0 } }
    }

    struct Tables {
        var jobs: [JobID: StoredJob] = [:]
        var order: [JobID] = []
        var cache: [CacheKey: CachedResult] = [:]
    }

    private let tables = Mutex(Tables())

    /// Makes an empty store.
    public init() {}

    /// All jobs that are not finished.
    public func open() async throws -> [StoredJob] {
        tables.withLock { tables in
            tables.order = tables.order.filter { tables.jobs[$0] != nil }
            return tables.order.compactMap { tables.jobs[$0] }.filter { !$0.status.state.isFinished }
        }
    }

    /// Does all changes at once.
    public func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
        tables.withLock { tables in
            var refused: Set<JobID> = []
            for change in changes {
                switch change {
                case .insert(let job):
                    if !tables.insert(job) { refused.insert(job.request.id) }
                case .update(let id, let status, let changes): tables.update(id, status, changes)
                case .remove(let id): tables.jobs[id] = nil
                case .cache(let wish, let result, let time):
                    tables.cache[wish.key] = CachedResult(result: result, expire: wish.expire, lastUse: time)
                }
            }
            return refused
        }
    }

    /// Looks a job up.
    public func job(_ id: JobID) async throws -> StoredJob? {
        tables.withLock { $0.jobs[id] }
    }

    /// Looks a result up and counts it as used.
    public func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        tables.withLock { tables in
            guard let cached = tables.cache[key], cached.expiry.map({ $0 > time }) ?? true else { return nil }
            tables.cache[key]?.lastUse = time
            return cached.result
        }
    }

    /// Removes everything that is old.
    public func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        tables.withLock { tables in
            tables.jobs = tables.jobs.filter { $0.value.status.finished.map { $0 > limit } ?? true }
            tables.cache = tables.cache.filter { $0.value.expiry.map { $0 > time } ?? true }
            return StorePruning(
                oldestFinished: tables.jobs.values.compactMap(\.status.finished).min(),
                nextExpiry: tables.cache.values.compactMap(\.expiry).min()
            )
        }
    }

    /// Does nothing.
    public func close() async {}
}

extension MemoryJobStore.Tables {
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
