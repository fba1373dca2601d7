// The ends of processes and of the pool.
extension PoolMachine {
    /// A process was started. Whoever wanted it dead meanwhile could not kill it yet.
    mutating func launched(_ worker: WorkerID, pid: Int32) -> [PoolAction] {
        guard let phase = workers[worker]?.phase else { return [.kill(worker)] }
        workers[worker]?.pid = pid
        if case .ending = phase { return [.kill(worker)] }
        return [.wake(.startTimeout(worker), after: limits.startTimeout)]
    }

    /// A worker's socket was closed from its side: without it, the process is of no use, if it still lives.
    mutating func disconnected(_ worker: WorkerID) -> [PoolAction] {
        guard let phase = workers[worker]?.phase else { return [] }
        if case .idle = phase { idle.removeAll { $0 == worker } }
        return [.kill(worker)]
    }

    /// A process has ended, and everything it said before was heard.
    ///
    /// - Parameter failure: Why, as a task in it would be told.
    mutating func exited(
        _ worker: WorkerID,
        failure: WorkerFailure,
        now: ContinuousClock.Instant
    ) -> [PoolAction] {
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

    /// The pool shall stop: at once, or when the running work is done or the grace is over.
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

    /// Kills every process; what runs in them is interrupted by the shutdown.
    mutating func killAll() -> [PoolAction] {
        guard phase == .draining else { return [] }
        var actions = endUnused()
        for (worker, state) in workers {
            guard var run = state.run else { continue }
            run.isShutDown = true
            workers[worker]?.phase = .busy(run)
            actions.append(.kill(worker))
        }
        return actions + stopIfDone()
    }

    private mutating func endUnused() -> [PoolAction] {
        idle.removeAll()
        var actions: [PoolAction] = []
        for (worker, state) in workers where state.run == nil {
            if case .delayed = state.phase {
                workers[worker] = nil
            } else {
                workers[worker]?.phase = .ending
                actions.append(.kill(worker))
            }
        }
        return actions
    }

    private mutating func stopIfDone() -> [PoolAction] {
        guard phase == .draining, workers.isEmpty else { return [] }
        phase = .stopped
        return [.stopped]
    }

    private mutating func lost(_ run: PoolRun, _ failure: WorkerFailure) -> [PoolAction] {
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

    /// Nobody told it to end. If that goes on and on without any work between, the next starts are delayed.
    private mutating func diedIdle(
        _ worker: PoolWorker,
        since: ContinuousClock.Instant,
        now: ContinuousClock.Instant
    ) {
        let isHasty = !worker.hasWorked && since.duration(to: now) < PoolLimits.settled
        idleDeaths = isHasty ? idleDeaths + 1 : 0
    }

    private mutating func failedStart(_ worker: PoolWorker, _ failure: WorkerFailure) -> [PoolAction] {
        guard phase == .running else { return [] }
        failedStarts += 1
        let told = worker.isIncompatible ? .incompatible(limits.buildID) : WorkerFailure.startup(failure)
        let delay = PoolLimits.delay(afterFailedStarts: failedStarts)
        var actions: [PoolAction] = [.reportFailedStart(told, retryIn: delay)]
        let isHopeless = worker.isIncompatible || failedStarts >= PoolLimits.failedStarts
        if isHopeless, !workers.values.contains(where: \.isReady) {
            actions += waiting.removeAll().map { .finish(task: $0.id, .failed(told)) }
        }
        return actions
    }
}
