/// The rules of an embedded manager.
public struct JobManagerConfiguration: Sendable {
    /// How many jobs may wait; a start beyond is refused as busy.
    public var queueLimit = 10_000
    /// How many unfinished jobs one owner may have.
    public var jobsPerOwner = 1000
    /// What the payloads and details of all unfinished jobs together may take, in bytes; a start beyond is refused as busy.
    public var maximumUnfinishedBytes = 512 << 20
    /// The largest body of a job, its payload and details together, in bytes.
    public var largestBody = 32 << 20
    /// The most that a job's merged progress and properties may take, in bytes. A job that sends more fails.
    public var maximumChangesBytes = 32 << 20
    /// The largest result of a job, in bytes. A job with a larger one fails as too large and is not tried again.
    public var maximumResultBytes = 128 << 20
    /// How long a finished job can be asked for.
    public var keepFinished: Duration = .seconds(3600)
    /// A job that waits and that nobody asked for in this time is dropped.
    public var abandonQueuedAfter: Duration = .seconds(180)
    /// The shortest time between two writes of progress, properties and deliveries.
    public var flushInterval: Duration = .milliseconds(200)
    /// How long to wait after a write that failed before what is still to be written is tried again.
    public var storageRetryDelay: Duration = .seconds(1)
    /// How many finished jobs are held in memory; the others are read from the store when asked for.
    public var maximumFinishedInMemory = 1000
    /// How many bytes the finished jobs in memory may take. The newest is held whatever it takes.
    public var maximumFinishedBytesInMemory = 64 << 20
    /// How often a job may be started again because the server, not the job, came down.
    public var maximumInterruptions = 3
    /// Why this process was started.
    public var restart = RestartReason.fresh
    /// The version that a job of a name has now, or nil if there is none of this name. Asked at the start for jobs that
    /// an earlier process left; those of another version fail as incompatible. Without it no version is looked at.
    public var currentVersion: (@Sendable (_ name: String) -> String?)?

    /// The defaults.
    public init() {}

    /// Why a server process was started.
    public enum RestartReason: Sendable, Hashable {
        /// For any reason, so that a job that was running may have been the cause of the last one's end.
        case fresh
        /// The last process trapped in code of its own, which no job runs in.
        case afterTrap
    }
}
