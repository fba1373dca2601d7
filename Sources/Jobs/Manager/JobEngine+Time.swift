import HeapModule

extension JobEngine {
    /// The next deadline, if it is earlier than the one the driver was told of.
    mutating func deadlineToArm() -> Duration? {
        guard let next = deadlines.min?.time, armed.map({ next < $0 }) ?? true else { return nil }
        armed = next
        return next
    }

    /// A deadline that was told has come.
    mutating func timePassed(at now: JobTime) -> JobActions {
        var actions = JobActions()
        armed = nil
        while let deadline = deadlines.min, deadline.time <= now.monotonic {
            deadlines.removeMin()
            switch deadline.matter {
            case .abandonment: abandonQueued(at: now, into: &actions)
            case .due(let id): becomeDue(id, at: now, into: &actions)
            case .flush: flush(at: now, into: &actions)
            case .unpausing: break  // The dispatch below looks at the time.
            case .pruning:
                // One that was planned before an earlier one is not heard.
                guard deadline.time == plannedPruning else { continue }
                plannedPruning = nil
                forgetFinished(at: now)
                actions.prunes = true
            }
        }
        dispatch(at: now, into: &actions)
        return actions
    }

    mutating func plan(_ matter: Deadline.Matter, at time: Duration) {
        deadlines.insert(Deadline(time: time, matter: matter))
    }

    mutating func planAbandonment(at time: Duration) {
        guard !isAbandonmentPlanned else { return }
        isAbandonmentPlanned = true
        plan(.abandonment, at: time)
    }

    mutating func planPruning(at time: Duration) {
        if let plannedPruning, plannedPruning <= time { return }
        plannedPruning = time
        plan(.pruning, at: time)
    }

    /// The shortest time between two prunings of the store that leave nothing to remove.
    static let pruningInterval = Duration.seconds(10)

    /// The store was pruned; what is left decides when it is done again: at once if there was too much for one go.
    mutating func pruned(_ pruning: StorePruning, at now: JobTime) {
        if pruning.hasMore { return planPruning(at: now.monotonic) }
        let times = [pruning.oldestFinished.map { $0 + configuration.keepFinished }, pruning.nextExpiry]
        guard let next = times.compactMap({ $0 }).min() else { return }
        planPruning(at: now.monotonic + max(Self.pruningInterval, next - now.wall))
    }

    private mutating func becomeDue(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        apply(rules.becomeDue(entry.facts), at: now, into: &actions)
    }

    /// Drops the jobs that wait for a worker and that nobody asked for.
    private mutating func abandonQueued(at now: JobTime, into actions: inout JobActions) {
        isAbandonmentPlanned = false
        var next: Duration?
        for (_, entry) in jobs where entry.status.state == .queued && entry.ending == nil && entry.isInserted {
            let asked = entry.waiters.isEmpty ? entry.lastAsked : now.monotonic
            let time = asked + configuration.abandonQueuedAfter
            if time <= now.monotonic {
                apply(rules.abandon(entry.facts), at: now, into: &actions)
            } else {
                next = min(next ?? time, time)
            }
        }
        if let next { planAbandonment(at: next) }
    }

    private mutating func forgetFinished(at now: JobTime) {
        while let oldest = finished.oldest, !dirty.contains(oldest) {
            if let entry = jobs[oldest], !isOutOfTime(entry.status, at: now) { return }
            finished.removeOldest()
            jobs[oldest] = nil
        }
    }
}
