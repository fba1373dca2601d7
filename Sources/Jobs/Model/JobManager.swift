public import DashJSON
public import ServiceLifecycle

/// Starts jobs, runs them elsewhere, and tells how they go.
///
/// A manager is a service: `run()` must run for jobs to be run. The embedded managers keep everything in one process and
/// one file; others speak to a broker. All pass the same conformance suite.
public protocol JobManager: Service {
    /// Opens what the manager keeps jobs in. `run()` does it; call it before to see whether that can be used before
    /// anything else is started.
    ///
    /// - Throws: `JobsError`, for example `.folderInUse`.
    func open() async throws

    /// Starts a job. It is durable when this returns.
    ///
    /// - Parameter request: What to run. A request with the id of a known job starts nothing and is no error.
    /// - Returns: The request's id.
    /// - Throws: `JobsError`: `.busy`, `.jobsPerOwner`, `.tooLarge`, `.storage` or `.stopped`. Nothing was started then.
    func start(_ request: JobRequest) async throws -> JobID

    /// The result that an earlier job kept under a key.
    ///
    /// - Parameter key: The key. A hit counts as a use: the time to expiry starts anew.
    /// - Returns: The result, or nil if there is none or it expired.
    /// - Throws: `JobsError.storage`.
    func cachedResult(for key: CacheKey) async throws -> RawJSON?

    /// How a job stands now. Counts as a sign that somebody still wants it.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - sequence: Changes up to this one are known and left out; 0 asks for all.
    /// - Returns: The news, or nil for a job that is unknown or was pruned.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func news(of id: JobID, after sequence: Int) async throws -> JobNews?

    /// Waits until something changes after `sequence`, or the job is finished, and tells it.
    ///
    /// When the task is cancelled it returns at once with what there is. That is no error. The beginning of the first
    /// attempt is no change; a cancellation, a failed attempt, progress and property values are.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - sequence: The newest change that is known.
    /// - Returns: The news, or nil for a job that is unknown or was pruned.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func nextNews(of id: JobID, after sequence: Int) async throws -> JobNews?

    /// Remembers what a page was told of a job. An unknown job is no error.
    ///
    /// - Throws: `JobsError.storage` or `.stopped`.
    func record(_ delivery: Delivery, for id: JobID) async throws

    /// Asks a job to stop. A job that is finished or unknown is left as it is, and that is no error.
    ///
    /// A waiting job is cancelled at once. A running one is `cancelling` at once, whatever it still sends is dropped, and
    /// it is killed after a grace.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - reason: Who or what wants it; told as `endReason`.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func cancel(_ id: JobID, reason: String) async throws

    /// How much work there is.
    func statistics() async -> JobStatistics
}

extension JobManager {
    /// Nothing: there is nothing to open.
    public func open() async throws {}
}
