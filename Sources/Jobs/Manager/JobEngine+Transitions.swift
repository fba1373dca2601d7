import DashJSON

extension JobEngine {
    /// Applies a transition of `JobRules` in memory and notes what is to be written.
    ///
    /// The engine holds the truth about its jobs, so the guards about a job hold by themselves: the rules were asked with what
    /// is in memory. Those about limits and keys are looked at by a start.
    mutating func apply(_ transition: JobTransition?, at now: JobTime, into actions: inout JobActions) {
        guard let transition else { return }
        for change in transition.changes { apply(change, to: transition.id, at: now, into: &actions) }
    }

    private mutating func apply(
        _ change: JobChange,
        to id: JobID,
        at now: JobTime,
        into actions: inout JobActions
    ) {
        switch change {
        case .queue: wait(id, for: .zero, at: now)
        case .schedule(let delay): wait(id, for: delay, at: now)
        case .beginAttempt: beginAttempt(id, at: now)
        case .countFailure: jobs[id]?.status.failures += 1
        case .countInterruption: jobs[id]?.status.interruptions += 1
        case .merge(let progress, let props): takeIn(progress, props, of: id, into: &actions)
        case .requestStop(let reason): requestStop(id, reason: reason, into: &actions)
        case .stopAttempt(let failure): stopAttempt(id, failure, into: &actions)
        case .finish(let end): finish(id, end, at: now, into: &actions)
        case .cacheResult(let cache):
            guard let result = jobs[id]?.ending?.result else { return }
            actions.changes.append(.cache(cache, result, now.wall))
        case .lead(let key): lead(key, by: id)
        case .follow(let key): follow(key, by: id)
        case .unfollow: jobs[id]?.isFollowing = false
        case .notify: notify(id, into: &actions)
        // A start makes the entry; followers are seen to when the end is written; messages are for queues.
        case .create, .release, .resend, .remove: break
        }
    }

    /// Makes a running job wait for a time, or for its turn if that is zero.
    private mutating func wait(_ id: JobID, for delay: Duration, at now: JobTime) {
        // One that is being written takes its place when it is.
        guard var entry = jobs[id], entry.isInserted else { return }
        count(entry, by: -1)
        entry.status.state = delay > .zero ? .scheduled : .queued
        entry.status.due = delay > .zero ? now.wall + delay : nil
        entry.status.revision += 1
        entry.isExecuting = false
        count(entry, by: 1)
        jobs[id] = entry
        if delay > .zero {
            plan(.due(id), at: now.monotonic + delay)
        } else {
            enqueue(entry, at: now)
        }
        markDirty(id, at: now)
    }

    /// What an earlier attempt sent does not count any more.
    private mutating func beginAttempt(_ id: JobID, at now: JobTime) {
        guard var entry = jobs[id] else { return }
        count(entry, by: -1)
        entry.status.state = .running
        entry.status.attempt += 1
        entry.status.started = now.wall
        entry.status.due = nil
        entry.status.revision += 1
        entry.changes = JobChanges()
        entry.stopFailure = nil
        count(entry, by: 1)
        jobs[id] = entry
    }

    private mutating func takeIn(
        _ progress: [PropertyValue],
        _ props: [PropertyValue],
        of id: JobID,
        into actions: inout JobActions
    ) {
        actions.woken.formUnion(jobs[id]?.takeIn(progress, as: .progress) ?? [])
        actions.woken.formUnion(jobs[id]?.takeIn(props, as: .props) ?? [])
        guard let entry = jobs[id], entry.changes.bytes > configuration.maximumChangesBytes else { return }
        jobs[id]?.changes.dropPatches(through: entry.status.delivery?.from ?? 0)
    }

    private mutating func requestStop(_ id: JobID, reason: String, into actions: inout JobActions) {
        guard var entry = jobs[id] else { return }
        entry.status.state = .cancelling
        entry.status.endReason = reason
        if entry.isExecuting { actions.stopped.append(entry.taskID) }
        jobs[id] = entry
    }

    private mutating func stopAttempt(_ id: JobID, _ failure: JobFailure, into actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        jobs[id]?.stopFailure = failure
        jobs[id]?.changes = JobChanges()
        actions.stopped.append(entry.taskID)
    }

    /// Prepares an end. It is published when it is written; see ``ended(_:at:into:)``.
    private mutating func finish(_ id: JobID, _ end: JobEnd, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], entry.ending == nil, !entry.status.state.isFinished else { return }
        count(entry, by: -1)
        var ending = entry.status
        ending.state = end.state
        ending.endReason = end.reason ?? ending.endReason
        ending.failure = end.failure
        ending.result =
            switch end.result {
            case .none: nil
            case .value(let result): result
            case .cached, .of: entry.sharedEnd?.result
            }
        ending.finished = now.wall
        ending.due = nil
        ending.sequence += 1
        ending.revision += 1
        entry.ending = ending
        jobs[id] = entry
        dirty.remove(id)
        actions.changes.append(.update(id, ending, entry.changes))
        actions.steps.append(.ended(id))
    }

    /// Wakes those who wait at once, and has the store know soon: the server may come down. An end wakes them when written.
    private mutating func notify(_ id: JobID, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        jobs[id]?.status.sequence += 1
        jobs[id]?.status.revision += 1
        actions.woken.formUnion(jobs[id]?.takeWaiters() ?? [])
        dirty.remove(id)
        appendUpdate(of: id, withChanges: false, to: &actions)
        actions.steps.append(.flushed(id))
    }

    func appendUpdate(of id: JobID, withChanges: Bool, to actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        actions.changes.append(.update(id, entry.status, withChanges ? entry.changes : nil))
    }
}

extension JobEntry {
    /// What the rules read of the job.
    var facts: JobFacts {
        var facts = JobFacts(request)
        facts.state = status.state
        facts.attempt = status.attempt
        facts.fence = isUnderWay ? "\(status.attempt)" : nil
        facts.failures = status.failures
        facts.interruptions = status.interruptions
        facts.isFollowing = isFollowing
        facts.stop = stopFailure
        return facts
    }
}
