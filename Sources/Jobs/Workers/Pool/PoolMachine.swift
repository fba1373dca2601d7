/// The state machine of a worker pool: takes events and returns actions, in order.
struct PoolMachine: Sendable {
    enum Phase: Sendable {
        case created
        case running
        case draining
        case stopped
    }

    private(set) var limits: WorkerPoolConfiguration
    private var phase = Phase.created
    private var workers: [WorkerID: PoolWorker] = [:]
    /// Idle workers, longest idle first.
    private var idle: [WorkerID] = []
    private var waiting = TaskQueue()
    private var running: [String: WorkerID] = [:]
    private var runs: [UInt64: WorkerID] = [:]
    private var lastWorker = 0
    private var lastRun: UInt64 = 0
    private var lastDispatch: ContinuousClock.Instant
    private var failedStarts = 0
    /// The number of consecutive workers that ended unexpectedly soon after they were ready, without having run a task.
    private var idleDeaths = 0
    private var isGrowScheduled = false
    private var isShrinkScheduled = false

    init(limits: WorkerPoolConfiguration, now: ContinuousClock.Instant) {
        self.limits = limits
        lastDispatch = now
    }

    var statistics: WorkerPoolStatistics {
        var statistics = WorkerPoolStatistics()
        statistics.workers = workers.values.count(where: \.isReady)
        statistics.busy = running.count
        statistics.starting = workers.values.count(where: \.isStarting)
        statistics.waiting = waiting.count
        statistics.pids = workers.values.compactMap(\.pid).sorted()
        return statistics
    }

    /// Starts the pool, unless it was stopped before.
    mutating func start(now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase != .stopped else { return [.stopped] }
        guard phase == .created else { return [] }
        phase = .running
        return refill(now: now)
    }

    mutating func submit(_ task: WorkerTask, now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .created || phase == .running else { return [.finish(task: task.id, .shutDown)] }
        waiting.append(task)
        guard phase == .running else { return [] }
        return dispatch(now: now) + refill(now: now)
    }

    /// Cancels a task; kills its process after the grace period.
    mutating func cancel(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID], let run = workers[worker]?.run else { return cancelWaiting(taskID) }
        guard !run.hasGrace else { return [] }
        workers[worker]?.run?.isCancelling = true
        workers[worker]?.run?.hasGrace = true
        let cancelActions: [PoolAction] = run.isCancelling ? [] : [.send(worker, .cancel(run: run.number))]
        return cancelActions + [.wake(.grace(run: run.number), after: limits.cancelGrace)]
    }

    /// Cancels a task without a grace period.
    mutating func interrupt(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID], let run = workers[worker]?.run else { return cancelWaiting(taskID) }
        guard !run.isCancelling else { return [] }
        workers[worker]?.run?.isCancelling = true
        return [.send(worker, .cancel(run: run.number))]
    }

    /// Kills a task's process.
    mutating func kill(_ taskID: String) -> [PoolAction] {
        guard let worker = running[taskID] else { return cancelWaiting(taskID) }
        workers[worker]?.run?.isCancelling = true
        workers[worker]?.run?.isKilled = true
        return [.kill(worker)]
    }

    private mutating func cancelWaiting(_ taskID: String) -> [PoolAction] {
        waiting.remove(taskID) == nil ? [] : [.finish(task: taskID, .cancelled(killed: false))]
    }

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
        guard let worker = runs[number], workers[worker]?.run?.number == number else { return [] }
        workers[worker]?.run?.isKilled = true
        return [.kill(worker)]
    }
}

// Dispatching tasks and handling results.
extension PoolMachine {
    /// Assigns waiting tasks to idle workers; the most recently used first, so that the others can shrink.
    mutating func dispatch(now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        while !idle.isEmpty, let entry = waiting.popFirst() {
            let worker = idle.removeLast()
            lastRun += 1
            lastDispatch = now
            workers[worker]?.phase = .busy(PoolRun(number: lastRun, entry: entry))
            running[entry.task.id] = worker
            runs[lastRun] = worker
            actions.append(.send(worker, .job(run: lastRun, entry.task)))
        }
        return actions
    }

    mutating func received(_ frame: Frame, from worker: WorkerID, now: ContinuousClock.Instant) -> [PoolAction] {
        switch frame {
        case .ready(let buildID): ready(worker, buildID: buildID, now: now)
        case .started(let run): started(worker, run)
        case .progress(let run, let body): update(worker, run, .progress(body))
        case .setProps(let run, let body): update(worker, run, .setProps(body))
        case .succeeded(let run, let body): ended(worker, run, .succeeded(body), now: now)
        case .failed(let run, let failure): ended(worker, run, .failed(failure), now: now)
        case .cancelled(let run): ended(worker, run, .cancelled(killed: false), now: now)
        case .job, .cancel: [.kill(worker)]  // Sent only by the pool.
        }
    }

    private mutating func ready(_ worker: WorkerID, buildID: String, now: ContinuousClock.Instant) -> [PoolAction] {
        guard case .starting? = workers[worker]?.phase else { return [] }
        guard buildID == limits.buildID else {
            workers[worker]?.isIncompatible = true
            return [.kill(worker)]
        }
        failedStarts = 0
        return rest(worker, now: now) + refill(now: now)
    }

    private mutating func started(_ worker: WorkerID, _ number: UInt64) -> [PoolAction] {
        guard let run = workers[worker]?.run, run.number == number else { return [] }
        workers[worker]?.run?.hasStarted = true
        workers[worker]?.taskCount += 1
        return [.update(task: run.taskID, .started(worker: workers[worker]?.pid ?? 0))]
    }

    private func update(_ worker: WorkerID, _ number: UInt64, _ update: WorkerUpdate) -> [PoolAction] {
        guard let run = workers[worker]?.run, run.number == number else { return [] }
        return [.update(task: run.taskID, update)]
    }

    private mutating func ended(
        _ worker: WorkerID,
        _ number: UInt64,
        _ outcome: WorkerOutcome,
        now: ContinuousClock.Instant
    ) -> [PoolAction] {
        guard let run = workers[worker]?.run, run.number == number else { return [] }
        forget(run)
        // A worker that is being killed gets no more tasks.
        let isDone = run.isKilled || run.isShutDown || isWornOut(worker)
        let next = isDone ? finishing(worker) : rest(worker, now: now)
        return [.finish(task: run.taskID, outcome)] + next
    }

    private func isWornOut(_ worker: WorkerID) -> Bool {
        guard let most = limits.maxTasksPerChild, let count = workers[worker]?.taskCount else { return false }
        return count >= most
    }

    /// The worker is idle.
    private mutating func rest(_ worker: WorkerID, now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .running, liveCount <= limits.workers else { return finishing(worker) }
        workers[worker]?.phase = .idle(since: now)
        idle.append(worker)
        return dispatch(now: now) + scheduleShrink(now: now)
    }

    private mutating func finishing(_ worker: WorkerID) -> [PoolAction] {
        workers[worker]?.phase = .ending
        return [.kill(worker)]
    }

    mutating func forget(_ run: PoolRun) {
        running[run.taskID] = nil
        runs[run.number] = nil
    }
}

// The end of processes and of the pool.
extension PoolMachine {
    /// A process was launched. A kill requested before could not be executed yet.
    mutating func launched(_ worker: WorkerID, pid: Int32) -> [PoolAction] {
        guard let phase = workers[worker]?.phase else { return [.kill(worker)] }
        workers[worker]?.pid = pid
        if case .ending = phase { return [.kill(worker)] }
        return [.wake(.startTimeout(worker), after: limits.startTimeout)]
    }

    /// A worker closed its socket: the process is useless, if it is still alive.
    mutating func disconnected(_ worker: WorkerID) -> [PoolAction] {
        guard workers[worker] != nil else { return [] }
        idle.removeAll { $0 == worker }
        return [.kill(worker)]
    }

    /// A process ended, and all its frames were handled.
    ///
    /// - Parameter failure: The failure to report for its task.
    mutating func exited(_ worker: WorkerID, failure: JobFailure, now: ContinuousClock.Instant) -> [PoolAction] {
        guard let ended = workers.removeValue(forKey: worker) else { return [] }
        idle.removeAll { $0 == worker }
        var actions: [PoolAction] = []
        switch ended.phase {
        case .busy(let run): actions = lost(run, failure)
        case .delayed, .starting: actions = failedStart(ended, failure)
        case .idle(let since): diedIdle(ended, since: since, now: now)
        case .ending: break
        }
        return actions + dispatch(now: now) + refill(now: now) + stopIfDone()
    }

    /// Stops the pool: at once, or when running tasks are done or the grace period is over.
    mutating func stop(graceful: Bool) -> [PoolAction] {
        switch phase {
        case .created, .running: break
        case .draining: return graceful ? [] : killAll()
        case .stopped: return []
        }
        phase = .draining
        var actions: [PoolAction] = waiting.removeAll().map { .finish(task: $0.id, .shutDown) }
        actions += graceful ? endUnused() : killAll()
        if graceful, !running.isEmpty { actions.append(.wake(.shutdown, after: limits.shutdownGrace)) }
        return actions + stopIfDone()
    }

    /// Kills every process; running tasks end as shut down.
    mutating func killAll() -> [PoolAction] {
        guard phase == .draining else { return [] }
        var actions = endUnused()
        for (worker, state) in workers where state.run != nil {
            workers[worker]?.run?.isShutDown = true
            actions.append(.kill(worker))
        }
        return actions + stopIfDone()
    }

    private mutating func endUnused() -> [PoolAction] {
        idle.removeAll()
        return workers.filter { $0.value.run == nil }.keys.flatMap { end($0) }
    }

    private mutating func stopIfDone() -> [PoolAction] {
        guard phase == .draining, workers.isEmpty else { return [] }
        phase = .stopped
        return [.stopped]
    }

    private mutating func lost(_ run: PoolRun, _ failure: JobFailure) -> [PoolAction] {
        forget(run)
        if run.isCancelling { return [.finish(task: run.taskID, .cancelled(killed: true))] }
        if run.isShutDown { return [.finish(task: run.taskID, .shutDown)] }
        guard !run.hasStarted, run.entry.restarts < PoolLimits.restarts else {
            return [.finish(task: run.taskID, .failed(failure))]
        }
        guard phase == .running else { return [.finish(task: run.taskID, .shutDown)] }
        var entry = run.entry
        entry.restarts += 1
        waiting.putBack(entry)
        return []
    }

    /// A worker ended unexpectedly while idle. Repeated deaths without any task in between delay the next starts.
    private mutating func diedIdle(_ worker: PoolWorker, since: ContinuousClock.Instant, now: ContinuousClock.Instant) {
        let isHasty = !worker.hasWorked && since.duration(to: now) < PoolLimits.settled
        idleDeaths = isHasty ? idleDeaths + 1 : 0
    }

    private mutating func failedStart(_ worker: PoolWorker, _ failure: JobFailure) -> [PoolAction] {
        guard phase == .running else { return [] }
        failedStarts += 1
        let reported = worker.isIncompatible ? .incompatible(limits.buildID) : JobFailure.startup(failure)
        let delay = PoolLimits.delay(afterFailedStarts: failedStarts)
        var actions: [PoolAction] = [.reportFailedStart(reported, retryIn: delay)]
        let isHopeless = worker.isIncompatible || failedStarts >= PoolLimits.failedStarts
        if isHopeless, !workers.values.contains(where: \.isReady) {
            actions += waiting.removeAll().map { .finish(task: $0.id, .failed(reported)) }
        }
        return actions
    }
}

// The number of workers.
extension PoolMachine {
    /// Changes the number of workers, all of which are kept warm. Surplus workers end: idle ones now, busy ones after
    /// their task.
    mutating func resize(_ maximum: Int, now: ContinuousClock.Instant) -> [PoolAction] {
        limits.workers = max(1, maximum)
        limits.warm = limits.workers
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        while liveCount > limits.workers, !idle.isEmpty { actions += end(idle.removeFirst()) }
        for (worker, state) in workers where liveCount > limits.workers && state.isStarting { actions += end(worker) }
        return actions + refill(now: now)
    }

    private mutating func end(_ worker: WorkerID) -> [PoolAction] {
        if case .delayed? = workers[worker]?.phase {
            workers[worker] = nil
            return []
        }
        workers[worker]?.phase = .ending
        return [.kill(worker)]
    }

    /// Starts workers up to the warm number, and at least one if tasks wait. `grow` starts more.
    mutating func refill(now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        let least = max(limits.warm, waiting.isEmpty ? 0 : 1)
        while workers.count < least { actions += startWorker() }
        return actions + scheduleGrow(now: now)
    }

    /// If no task was dispatched for the grow delay, starts one worker for each waiting task.
    mutating func grow(now: ContinuousClock.Instant) -> [PoolAction] {
        isGrowScheduled = false
        guard phase == .running, canGrow else { return [] }
        guard lastDispatch.duration(to: now) >= limits.growDelay else { return scheduleGrow(now: now) }
        return (0..<min(waiting.count, limits.workers - workers.count)).flatMap { _ in startWorker() }
    }

    /// Schedules the next check for growth.
    private mutating func scheduleGrow(now: ContinuousClock.Instant) -> [PoolAction] {
        guard canGrow, !isGrowScheduled else { return [] }
        isGrowScheduled = true
        let left = limits.growDelay - lastDispatch.duration(to: now)
        return [.wake(.grow, after: left > .zero ? left : limits.growDelay)]
    }

    /// Workers that are starting must be ready first: they may take the waiting tasks within milliseconds.
    private var canGrow: Bool {
        !waiting.isEmpty && workers.count < limits.workers && !workers.values.contains(where: \.isStarting)
    }

    /// Ends workers beyond the warm number that were idle for the idle timeout.
    mutating func shrink(now: ContinuousClock.Instant) -> [PoolAction] {
        isShrinkScheduled = false
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        while let oldest = idle.first, liveCount > limits.warm, idleTime(oldest, now) >= limits.idleTimeout {
            actions += end(idle.removeFirst())
        }
        return actions + scheduleShrink(now: now)
    }

    /// Schedules the next check for surplus workers.
    mutating func scheduleShrink(now: ContinuousClock.Instant) -> [PoolAction] {
        guard !isShrinkScheduled, let oldest = idle.first, liveCount > limits.warm else { return [] }
        isShrinkScheduled = true
        return [.wake(.shrink, after: max(.milliseconds(1), limits.idleTimeout - idleTime(oldest, now)))]
    }

    mutating func startDelayed(_ worker: WorkerID) -> [PoolAction] {
        guard case .delayed? = workers[worker]?.phase else { return [] }
        workers[worker]?.phase = .starting
        return [.start(worker)]
    }

    private mutating func startWorker() -> [PoolAction] {
        lastWorker += 1
        workers[lastWorker] = PoolWorker(phase: .delayed)
        let failures = max(failedStarts, idleDeaths - PoolLimits.freeIdleDeaths)
        let delay = PoolLimits.delay(afterFailedStarts: failures)
        return delay == .zero ? startDelayed(lastWorker) : [.wake(.start(lastWorker), after: delay)]
    }

    var liveCount: Int {
        workers.values.count { if case .ending = $0.phase { false } else { true } }
    }

    private func idleTime(_ worker: WorkerID, _ now: ContinuousClock.Instant) -> Duration {
        guard case .idle(let since)? = workers[worker]?.phase else { return .zero }
        return since.duration(to: now)
    }
}
