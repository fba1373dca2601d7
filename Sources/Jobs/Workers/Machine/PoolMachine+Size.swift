// How many workers there are.
extension PoolMachine {
    /// Somebody wants another number of workers, all of them kept ready. Those that are too many end: idle ones now, busy
    /// ones after their task.
    mutating func resize(_ maximum: Int, now: ContinuousClock.Instant) -> [PoolAction] {
        limits.workers = max(1, maximum)
        limits.warm = limits.workers
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        while liveCount > limits.workers, !idle.isEmpty { actions += end(idle.removeFirst()) }
        for (worker, state) in workers where liveCount > limits.workers && state.isStarting {
            actions += end(worker)
        }
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

    /// Starts what is missing: up to the warm ones, and at least one when tasks wait. More come by `grow`.
    mutating func refill(now: ContinuousClock.Instant) -> [PoolAction] {
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        let least = max(limits.warm, waiting.isEmpty ? 0 : 1)
        while workers.count < least { actions += startWorker() }
        return actions + scheduleGrow(now: now)
    }

    /// Tasks wait for a while: when no worker took any in this time, one worker is started for each.
    mutating func grow(now: ContinuousClock.Instant) -> [PoolAction] {
        isGrowScheduled = false
        guard phase == .running, canGrow else { return [] }
        guard lastDispatch.duration(to: now) >= limits.growDelay else { return scheduleGrow(now: now) }
        return (0..<min(waiting.count, limits.workers - workers.count)).flatMap { _ in startWorker() }
    }

    /// Looks again when the tasks will have waited long enough.
    private mutating func scheduleGrow(now: ContinuousClock.Instant) -> [PoolAction] {
        guard canGrow, !isGrowScheduled else { return [] }
        isGrowScheduled = true
        let left = limits.growDelay - lastDispatch.duration(to: now)
        return [.wake(.grow, after: left > .zero ? left : limits.growDelay)]
    }

    /// Those that were started before must be ready first: who waits for their start of some milliseconds needs no more.
    private var canGrow: Bool {
        !waiting.isEmpty && workers.count < limits.workers && !workers.values.contains(where: \.isStarting)
    }

    /// Ends workers beyond the warm ones that had nothing to do for the idle timeout.
    mutating func shrink(now: ContinuousClock.Instant) -> [PoolAction] {
        isShrinkScheduled = false
        guard phase == .running else { return [] }
        var actions: [PoolAction] = []
        while let oldest = idle.first, liveCount > limits.warm, idleTime(oldest, now) >= limits.idleTimeout {
            idle.removeFirst()
            workers[oldest]?.phase = .ending
            actions.append(.kill(oldest))
        }
        return actions + scheduleShrink(now: now)
    }

    /// Sees to it that workers that are too many end some time.
    mutating func scheduleShrink(now: ContinuousClock.Instant) -> [PoolAction] {
        guard !isShrinkScheduled, let oldest = idle.first, liveCount > limits.warm else { return [] }
        isShrinkScheduled = true
        return [.wake(.shrink, after: max(.milliseconds(1), limits.idleTimeout - idleTime(oldest, now)))]
    }

    /// A delayed start is due.
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
