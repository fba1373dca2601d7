// Work given to workers and what comes back.
extension PoolMachine {
    /// Gives waiting tasks to idle workers; the one that was busy last first, so that the others can go.
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

    /// A worker said something.
    mutating func received(_ frame: Frame, from worker: WorkerID, now: ContinuousClock.Instant) -> [PoolAction] {
        switch frame {
        case .ready(let buildID): ready(worker, buildID: buildID, now: now)
        case .started(let run): started(worker, run)
        case .progress(let run, let body): update(worker, run, .progress(body))
        case .setProps(let run, let body): update(worker, run, .setProps(body))
        case .succeeded(let run, let body): ended(worker, run, .succeeded(body), now: now)
        case .failed(let run, let failure): ended(worker, run, .failed(failure), now: now)
        case .cancelled(let run): ended(worker, run, .cancelled(killed: false), now: now)
        case .job, .cancel: [.kill(worker)]  // Only the pool says these.
        }
    }

    private mutating func ready(
        _ worker: WorkerID,
        buildID: String,
        now: ContinuousClock.Instant
    ) -> [PoolAction] {
        guard case .starting? = workers[worker]?.phase else { return [] }
        guard buildID == limits.buildID else {
            workers[worker]?.isIncompatible = true
            return [.kill(worker)]
        }
        failedStarts = 0
        return rest(worker, now: now) + refill(now: now)
    }

    private mutating func started(_ worker: WorkerID, _ number: UInt64) -> [PoolAction] {
        guard var run = workers[worker]?.run, run.number == number else { return [] }
        run.hasStarted = true
        workers[worker]?.taskCount += 1
        workers[worker]?.phase = .busy(run)
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
        // A worker that was told to die just now is not given more work.
        let isDone = run.isKilled || run.isShutDown || isWornOut(worker)
        let next = isDone ? finishing(worker) : rest(worker, now: now)
        return [.finish(task: run.taskID, outcome)] + next
    }

    private func isWornOut(_ worker: WorkerID) -> Bool {
        guard let most = limits.maxTasksPerChild, let count = workers[worker]?.taskCount else { return false }
        return count >= most
    }

    /// The worker has nothing to do.
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

    /// A run is over.
    mutating func forget(_ run: PoolRun) {
        running[run.taskID] = nil
        runs[run.number] = nil
    }
}
