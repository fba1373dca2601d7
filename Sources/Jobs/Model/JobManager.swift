public import DashJSON
public import ServiceLifecycle
import Support

/// Starts jobs and publishes their updates.
///
/// A manager is a service: jobs run while `run()` runs. The embedded manager works within one process; others use a
/// broker. All pass the same conformance suite.
public protocol JobManager: Service {
    /// Opens the manager's storage. `run()` does so too; call it earlier to detect errors before anything else starts.
    ///
    /// - Throws: `JobsError`, for example `.folderInUse`.
    func open() async throws

    /// Starts a job. The job is durable when the call returns.
    ///
    /// - Parameter request: The job. A request with the id of a known job has no effect and is not an error.
    /// - Returns: The request's id.
    /// - Throws: `JobsError`: `.busy`, `.jobsPerOwner`, `.tooLarge`, `.storage` or `.stopped`. No job was started then.
    func start(_ request: JobRequest) async throws -> JobID

    /// The cached result for a key.
    ///
    /// - Parameter key: The key. A hit restarts the time to expiry.
    /// - Returns: The result, or nil if there is none or it expired.
    /// - Throws: `JobsError.storage`.
    func cachedResult(for key: CacheKey) async throws -> RawJSON?

    /// The current state of a job. Counts as interest in the job.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - sequence: Changes up to this one are omitted; 0 returns all.
    /// - Returns: The update, or nil if the job is unknown or was pruned.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate?

    /// Waits for a change after `sequence`, or for the end of the job.
    ///
    /// If the task is cancelled, returns the current state at once; that is not an error. The start of the first
    /// attempt is not a change; a cancellation, a failed attempt, progress and property values are.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - sequence: The newest known change.
    /// - Returns: The update, or nil if the job is unknown or was pruned.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate?

    /// Stores the last delivery to a page. An unknown job is not an error.
    ///
    /// - Throws: `JobsError.storage` or `.stopped`.
    func record(_ delivery: Delivery, for id: JobID) async throws

    /// Cancels a job. A finished or unknown job is left unchanged, which is not an error.
    ///
    /// A waiting job is cancelled at once. A running job becomes `cancelling`, further output is dropped, and it is
    /// killed after a grace period.
    ///
    /// - Parameters:
    ///   - id: The job.
    ///   - reason: Who or what cancels it; reported as `endReason`.
    /// - Throws: `JobsError.storage` or `.stopped`.
    func cancel(_ id: JobID, reason: String) async throws

    /// The current workload.
    func statistics() async -> JobStatistics
}

extension JobManager {
    /// Does nothing.
    public func open() async throws {}
}

/// The id of a job: a UUID of version 7, so later ids sort after earlier ones.
///
/// Ids are unguessable but not secret: browsers get a signed handle, never a bare id.
public struct JobID: Hashable, Sendable {
    private let id: UniqueID

    private init(_ id: UniqueID) { self.id = id }

    /// A new id from the time in milliseconds and 74 random bits.
    public static var new: JobID { JobID(.timeOrdered()) }

    /// Parses a UUID in lower or upper case.
    ///
    /// - Parameter text: 36 characters, for example `0192f3c4-…`. Other texts result in nil.
    public init?(_ text: String) {
        guard let id = UniqueID(text) else { return nil }
        self.init(id)
    }

    /// The 36 characters of the UUID, in lower case.
    public var text: String { id.text }
}

extension JobID: CustomStringConvertible, Comparable {
    /// The ``text``.
    public var description: String { text }

    /// Orders ids by creation time, to the millisecond.
    public static func < (left: JobID, right: JobID) -> Bool {
        left.id < right.id
    }
}

/// The workload of a manager.
public struct JobStatistics: Sendable, Hashable {
    /// Jobs that wait for a worker.
    public var queued: Int
    /// Jobs that wait for a time, for example for a retry.
    public var scheduled: Int
    /// Jobs held by workers, including those being cancelled.
    public var running: Int
    /// Finished jobs in memory.
    public var finished: Int
    /// The maximum number of concurrent jobs.
    public var maximumRunning: Int

    /// Creates statistics.
    public init(queued: Int = 0, scheduled: Int = 0, running: Int = 0, finished: Int = 0, maximumRunning: Int = 0) {
        self.queued = queued
        self.scheduled = scheduled
        self.running = running
        self.finished = finished
        self.maximumRunning = maximumRunning
    }
}
