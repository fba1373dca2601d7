public import DashJSON

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
