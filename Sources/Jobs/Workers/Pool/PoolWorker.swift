/// The machine's state of one process.
struct PoolWorker: Sendable {
    enum Phase: Sendable {
        /// Its start is delayed after failed starts.
        case delayed
        /// Started, not ready yet.
        case starting
        /// Idle since this time.
        case idle(since: ContinuousClock.Instant)
        case busy(PoolRun)
        /// Being killed, without a task.
        case ending
    }

    var phase: Phase
    var pid: Int32?
    /// The number of tasks it has begun.
    var taskCount = 0
    /// Whether it is of another build.
    var isIncompatible = false

    /// Whether it has begun a task.
    var hasWorked: Bool { taskCount > 0 }

    var run: PoolRun? {
        get { if case .busy(let run) = phase { run } else { nil } }
        set { if let newValue { phase = .busy(newValue) } }
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

struct PoolRun: Sendable {
    let number: UInt64
    var entry: TaskQueue.Entry
    var hasStarted = false
    /// Whether it was asked to stop.
    var isCancelling = false
    /// Whether its grace period is running.
    var hasGrace = false
    var isKilled = false
    var isShutDown = false

    var taskID: String { entry.task.id }
}

/// Identifies a worker process within a pool; never reused.
typealias WorkerID = Int

enum PoolAction: Sendable, Hashable {
    case start(WorkerID)
    case send(WorkerID, Frame)
    /// Kills a worker's process group.
    case kill(WorkerID)
    /// Calls the machine's `timerFired` later.
    case wake(PoolTimer, after: Duration)
    /// Reports an update to the caller of a task.
    case update(task: String, WorkerUpdate)
    /// Reports the outcome to the caller of a task.
    case finish(task: String, WorkerOutcome)
    /// Logs that a process never became ready, and when the next start is.
    case reportFailedStart(JobFailure, retryIn: Duration)
    /// No process is left, and none will be started.
    case stopped
}

enum PoolTimer: Sendable, Hashable {
    /// A delayed start is due.
    case start(WorkerID)
    /// A process should be ready.
    case startTimeout(WorkerID)
    /// Waiting tasks may need more workers.
    case grow
    /// A worker may have exceeded the idle timeout.
    case shrink
    /// A cancelled task should have ended.
    case grace(run: UInt64)
    /// All tasks should have ended for the shutdown.
    case shutdown
}

/// The fixed limits of a ``PoolMachine``.
enum PoolLimits {
    /// The number of consecutive failed starts after which the waiting tasks fail.
    static let failedStarts = 3
    /// How often a task that lost its worker before it began is requeued.
    static let restarts = 3

    /// A worker that was alive for this time counts as healthy.
    static let settled = Duration.seconds(5)
    /// The number of consecutive idle deaths without a delay of the next start.
    static let freeIdleDeaths = 10

    /// The delay of the next start: none after the first failure, then 0.1 s, doubled each time, at most 5 s.
    static func delay(afterFailedStarts count: Int) -> Duration {
        guard count > 1 else { return .zero }
        return min(.seconds(5), .milliseconds(100) * (1 << min(count - 2, 6)))
    }
}
