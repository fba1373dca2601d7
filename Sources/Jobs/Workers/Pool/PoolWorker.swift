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

/// The numbers a ``PoolMachine`` goes by.
struct PoolLimits: Sendable {
    var warm: Int
    var workers: Int
    var maxTasksPerChild: Int?
    var buildID: String
    var idleTimeout: Duration
    var cancelGrace: Duration
    var shutdownGrace: Duration
    var startTimeout: Duration
    var growDelay: Duration

    /// After so many failed starts in a row the waiting tasks are given up.
    static let failedStarts = 3
    /// A task that lost its worker before it began is put back so many times.
    static let restarts = 3

    /// A worker that lived so long is in order.
    static let settled = Duration.seconds(5)
    /// So many unused workers may end in a row before the next start is delayed.
    static let freeIdleDeaths = 10

    /// The wait before the next start after failed ones: none, 0.1 s, then doubled each time, at most 5 s.
    static func delay(afterFailedStarts count: Int) -> Duration {
        guard count > 1 else { return .zero }
        return min(.seconds(5), .milliseconds(100) * (1 << min(count - 2, 6)))
    }
}

extension PoolLimits {
    /// Takes them from a configuration; impossible ones are put right.
    init(_ configuration: WorkerPoolConfiguration) {
        let workers = max(1, configuration.workers)
        self.init(
            warm: min(max(0, configuration.warm), workers),
            workers: workers,
            maxTasksPerChild: configuration.maxTasksPerChild.map { max(1, $0) },
            buildID: configuration.buildID,
            idleTimeout: configuration.idleTimeout,
            cancelGrace: configuration.cancelGrace,
            shutdownGrace: configuration.shutdownGrace,
            startTimeout: configuration.startTimeout,
            growDelay: configuration.growDelay
        )
    }
}
