/// What the machine knows of one process.
struct PoolWorker: Sendable {
    /// Where it is in its life.
    enum Phase: Sendable {
        /// Its start waits for its time, after failed ones.
        case delayed
        /// It was started and is not ready yet.
        case starting
        /// It waits for work since then.
        case idle(since: ContinuousClock.Instant)
        /// It works.
        case busy(PoolRun)
        /// It is being killed, without a task.
        case ending
    }

    var phase: Phase
    var pid: Int32?
    /// How many tasks it has begun.
    var taskCount = 0
    /// It was of another build.
    var isIncompatible = false

    /// It began a task once.
    var hasWorked: Bool { taskCount > 0 }

    var run: PoolRun? {
        if case .busy(let run) = phase { return run }
        return nil
    }

    var isReady: Bool {
        switch phase {
        case .idle, .busy: true
        case .delayed, .starting, .ending: false
        }
    }

    var isStarting: Bool {
        switch phase {
        case .delayed, .starting: true
        case .idle, .busy, .ending: false
        }
    }
}

/// One run of a task in a worker.
struct PoolRun: Sendable {
    let number: UInt64
    var entry: TaskQueue.Entry
    var hasStarted = false
    /// It was told to stop.
    var isCancelling = false
    /// Its time to stop by itself runs.
    var hasGrace = false
    var isKilled = false
    var isShutDown = false

    var taskID: String { entry.task.id }
}
