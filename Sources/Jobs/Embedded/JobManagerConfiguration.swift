/// The limits and times of an embedded manager.
public struct JobManagerConfiguration: Sendable {
    /// The maximum number of waiting jobs. Further starts throw `.busy`.
    public var queueLimit = 10_000
    /// The maximum number of unfinished jobs of one owner.
    public var jobsPerOwner = 1000
    /// The maximum size of the payloads and details of all unfinished jobs, in bytes. Further starts throw `.busy`.
    public var maximumUnfinishedBytes = 512 << 20
    /// The maximum size of a job's payload and details, in bytes.
    public var largestBody = 32 << 20
    /// The maximum size of a job's merged progress and properties, in bytes. A job that sends more fails.
    public var maximumChangesBytes = 32 << 20
    /// The maximum size of a result, in bytes. A job with a larger one fails as too large, without a retry.
    public var maximumResultBytes = 128 << 20
    /// How long a finished job can be read.
    public var keepFinished: Duration = .seconds(3600)
    /// A queued job that is not read for this time is cancelled.
    public var abandonQueuedAfter: Duration = .seconds(180)
    /// The shortest time between two writes of progress, properties and deliveries.
    public var flushInterval: Duration = .milliseconds(200)
    /// The delay before a failed write is retried.
    public var storageRetryDelay: Duration = .seconds(1)
    /// The maximum number of finished jobs in memory. Others are read from the store.
    public var maximumFinishedInMemory = 1000
    /// The maximum size of the finished jobs in memory, in bytes. The newest stays in memory whatever its size.
    public var maximumFinishedBytesInMemory = 64 << 20
    /// How often a job is restarted because the server, not the job, failed.
    public var maximumInterruptions = 3
    /// Why this process was started.
    public var restart = RestartReason.fresh
    /// Returns the current version of the jobs with a name, or nil if there are none. Called at the start for jobs of
    /// an earlier process: those of another version fail as incompatible. If nil, versions are not compared.
    public var currentVersion: (@Sendable (_ name: String) -> String?)?

    /// Creates a configuration with the defaults.
    public init() {}

    /// Why a server process was started.
    public enum RestartReason: Sendable, Hashable {
        /// For any reason: a job that was running may have caused the end of the last process.
        case fresh
        /// The last process trapped in its own code, which no job runs in.
        case afterTrap
    }
}
