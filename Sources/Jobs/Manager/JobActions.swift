/// What the engine wants done: the driver does it in this order.
struct JobActions: Sendable {
    /// A place in a write to go on from when the write is done.
    enum Step: Sendable, Hashable {
        case inserted(JobID)
        case started(JobID)
        case ended(JobID)
        case flushed(JobID)
        case removed(JobID)
    }

    /// Those who wait for news and are to be woken.
    var woken: Set<Int> = []
    /// Tasks to stop.
    var stopped: [String] = []
    /// Tasks to execute.
    var executions: [JobExecution] = []
    /// What to write, all or nothing.
    var changes: [StoreChange] = []
    /// What to tell the engine when the writing is done or has failed.
    var steps: [Step] = []
    /// Whether to prune the store.
    var prunes = false

    static let none = JobActions()
}

/// One attempt that is to be executed.
struct JobExecution: Sendable {
    var id: JobID
    var attempt: Int
    var task: WorkerTask
}
