public import DashJSON
public import ServiceLifecycle
import Support

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
    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate?

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
    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate?

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

/// The identity of one job: a UUID of version 7, so that later ids sort after earlier ones.
///
/// Ids are unguessable but not secret: what a browser gets is a signed handle, never a bare id.
public struct JobID: Hashable, Sendable {
    private let id: UniqueID

    private init(_ id: UniqueID) { self.id = id }

    /// A fresh id, made from the time in milliseconds and 74 random bits.
    public static var new: JobID { JobID(.timeOrdered()) }

    /// Reads the text form of any UUID, in lower or upper case.
    ///
    /// - Parameter text: 36 characters, as `0192f3c4-…`. Anything else gives nil.
    public init?(_ text: String) {
        guard let id = UniqueID(text) else { return nil }
        self.init(id)
    }

    /// The 36 characters of the UUID, in lower case.
    public var text: String { id.text }
}

extension JobID: CustomStringConvertible, Comparable {
    /// The same as ``text``.
    public var description: String { text }

    /// The order of the ids' texts, which is the order in which they were made, to the millisecond.
    public static func < (left: JobID, right: JobID) -> Bool {
        left.id < right.id
    }
}

/// How much work a manager has.
public struct JobStatistics: Sendable, Hashable {
    /// Jobs that wait for a worker.
    public var queued: Int
    /// Jobs that wait for a time, for example for their next attempt.
    public var scheduled: Int
    /// Jobs that a worker has, those that are being cancelled among them.
    public var running: Int
    /// Finished jobs that are held in memory.
    public var finished: Int
    /// The most jobs that can run at once.
    public var maximumRunning: Int

    /// Makes statistics.
    public init(queued: Int = 0, scheduled: Int = 0, running: Int = 0, finished: Int = 0, maximumRunning: Int = 0) {
        self.queued = queued
        self.scheduled = scheduled
        self.running = running
        self.finished = finished
        self.maximumRunning = maximumRunning
    }
}
