/// Decides what a worker pool does. It does nothing itself: every event gives the actions to take, in order.
struct PoolMachine: Sendable {
    /// Where the pool is in its life.
    enum Phase: Sendable {
        case created
        case running
        case draining
        case stopped
    }

    var limits: PoolLimits
    var phase = Phase.created
    var workers: [WorkerID: PoolWorker] = [:]
    /// The workers without work, the one that waits longest first.
    var idle: [WorkerID] = []
    var waiting = TaskQueue()
    /// Where each running task runs.
    var running: [String: WorkerID] = [:]
    /// Which worker a run number belongs to.
    var runs: [UInt64: WorkerID] = [:]
    var lastWorker = 0
    var lastRun: UInt64 = 0
    var lastDispatch: ContinuousClock.Instant
    var failedStarts = 0
    /// How many workers in a row ended soon after they were ready, without work and untold.
    var idleDeaths = 0
    var isGrowScheduled = false
    var isShrinkScheduled = false

    init(limits: PoolLimits, now: ContinuousClock.Instant) {
        self.limits = limits
        lastDispatch = now
    }

    /// The pool's numbers.
    var statistics: WorkerPoolStatistics {
        var statistics = WorkerPoolStatistics()
        statistics.workers = workers.values.count(where: \.isReady)
        statistics.busy = running.count
        statistics.starting = workers.values.count(where: \.isStarting)
        statistics.waiting = waiting.count
        statistics.pids = workers.values.compactMap(\.pid).sorted()
        return statistics
    }

    /// The pool starts, unless it was stopped before.
    mutating func start(now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase != .stopped else { return [.stopped] }
        guard phase == .created else { return [] }
        phase = .running
        return refill(now: now)
    }

    /// Somebody wants a task done.
    mutating func submit(_ task: WorkerTask, now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .created || phase == .running else { return [.finish(task: task.id, .shutDown)] }
        waiting.append(task)
        guard phase == .running else { return [] }
        return dispatch(now: now) + refill(now: now)
    }

    /// Whether a task of this name waits or runs.
    func knows(_ taskID: String) -> Bool {
        waiting.contains(taskID) || running[taskID] != nil
    }

    /// Somebody wants a task no more.
    mutating func cancel(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID], var run = workers[worker]?.run else { return cancelWaiting(taskID) }
        guard !run.hasGrace else { return [] }
        let told = run.isCancelling
        (run.isCancelling, run.hasGrace) = (true, true)
        workers[worker]?.phase = .busy(run)
        let telling: [PoolAction] = told ? [] : [.send(worker, .cancel(run: run.number))]
        return telling + [.wake(.grace(run: run.number), after: limits.cancelGrace)]
    }

    /// Somebody wants a task to end by itself.
    mutating func interrupt(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID], var run = workers[worker]?.run else { return cancelWaiting(taskID) }
        guard !run.isCancelling else { return [] }
        run.isCancelling = true
        workers[worker]?.phase = .busy(run)
        return [.send(worker, .cancel(run: run.number))]
    }

    /// Somebody wants a task's process dead.
    mutating func kill(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID], var run = workers[worker]?.run else { return cancelWaiting(taskID) }
        (run.isCancelling, run.isKilled) = (true, true)
        workers[worker]?.phase = .busy(run)
        return [.kill(worker)]
    }

    private mutating func cancelWaiting(_ taskID: String) -> [PoolAction] {
        waiting.remove(taskID) == nil ? [] : [.finish(task: taskID, .cancelled(killed: false))]
    }

    /// A time that was waited for has come.
    mutating func timerFired(_ timer: PoolTimer, now: ContinuousClock.Instant) -> [PoolAction] {
        switch timer {
        case .start(let worker): startDelayed(worker)
        case .startTimeout(let worker): workers[worker]?.isStarting == true ? [.kill(worker)] : []
        case .grow: grow(now: now)
        case .shrink: shrink(now: now)
        case .grace(let run): endGrace(run)
        case .shutdown: killAll()
        }
    }

    private mutating func endGrace(_ number: UInt64) -> [PoolAction] {
        guard let worker = runs[number], var run = workers[worker]?.run, run.number == number else { return [] }
        run.isKilled = true
        workers[worker]?.phase = .busy(run)
        return [.kill(worker)]
    }
}
