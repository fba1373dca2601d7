/// What an event leads to. The driver performs it in this order.
struct JobActions: Sendable {
    /// What a write is for. The engine continues from here when the write has succeeded or failed.
    enum Step: Sendable, Hashable {
        case inserted(JobID)
        case started(JobID)
        case ended(JobID)
        case flushed(JobID)
        case removed(JobID)
    }

    let time: JobTime
    /// Waiters to resume.
    var woken: Set<Int> = []
    /// Tasks to stop.
    var stopped: [String] = []
    /// Attempts to execute.
    var executions: [JobExecution] = []
    /// The write: all changes or none.
    var changes: [StoreChange] = []
    /// Passed back to the engine after the write.
    var steps: [Step] = []
    /// Whether to prune the store.
    var prunes = false

    init(at time: JobTime) {
        self.time = time
    }
}

/// One attempt to execute.
struct JobExecution: Sendable {
    var id: JobID
    var attempt: Int
    var task: WorkerTask
}
