/// Names one worker process in the life of a pool; never used again for another one.
typealias WorkerID = Int

/// What the pool has to do after something happened.
enum PoolAction: Sendable, Hashable {
    /// Start a process.
    case start(WorkerID)
    /// Send a frame to a worker.
    case send(WorkerID, Frame)
    /// Kill a worker's whole process group.
    case kill(WorkerID)
    /// Call the machine's `timerFired` later.
    case wake(PoolTimer, after: Duration)
    /// Tell the starter of a task something.
    case update(task: String, WorkerUpdate)
    /// Give the starter of a task its outcome.
    case finish(task: String, WorkerOutcome)
    /// Log that a process never became ready, and when it is tried again.
    case reportFailedStart(WorkerFailure, retryIn: Duration)
    /// No process is left and none will be started.
    case stopped
}

/// What the pool waits for.
enum PoolTimer: Sendable, Hashable {
    /// A delayed start is due.
    case start(WorkerID)
    /// A process should be ready by now.
    case startTimeout(WorkerID)
    /// Tasks may have waited too long for the workers there are.
    case grow
    /// A worker may have been idle too long.
    case shrink
    /// Cancelled work should have ended by now.
    case grace(run: UInt64)
    /// All work should have ended by now, as the pool shuts down.
    case shutdown
}
