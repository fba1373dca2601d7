extension JobEngine {
    /// Lets attempts begin, as many as there is room for. The executor is told when that is written.
    mutating func dispatch(at now: JobTime, into actions: inout JobActions) {
        while mayBegin(at: now), let place = queue.popFirst() {
            guard let entry = jobs[place.id], entry.status.state == .queued, entry.ending == nil
            else { continue }
            beginAttempt(place.id, at: now)
            appendUpdate(of: place.id, withChanges: entry.status.attempt > 0, to: &actions)
            actions.steps.append(.started(place.id))
        }
    }

    /// Whether there is room for another attempt.
    func mayBegin(at now: JobTime) -> Bool {
        isDispatching && runningCount < maximumRunning && pausedUntil <= now.monotonic
    }

    /// Makes a waiting job a running one. What an earlier attempt sent does not count any more.
    mutating func beginAttempt(_ id: JobID, at now: JobTime) {
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

    /// The beginning of an attempt is written: it is executed, unless it was cancelled meanwhile or everything stops.
    mutating func started(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        if entry.status.state == .cancelling {
            end(id, as: .cancelled, at: now, into: &actions)
        } else if isDispatching {
            entry.isExecuting = true
            jobs[id] = entry
            let task = WorkerTask(id: entry.taskID, name: entry.request.name, payload: entry.request.payload)
            actions.executions.append(JobExecution(id: id, attempt: entry.status.attempt, task: task))
        }
    }

    /// The beginning of an attempt could not be written: the job waits for its turn again, and all wait a little.
    mutating func startFailed(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        if entry.status.state == .cancelling {
            end(id, as: .cancelled, at: now, into: &actions)
        } else {
            wait(id, for: .zero, at: now)
            pausedUntil = now.monotonic + configuration.storageRetryDelay
            plan(.unpausing, at: pausedUntil)
        }
    }

    /// Makes a running job wait for a time, or for its turn if that is zero.
    mutating func wait(_ id: JobID, for delay: Duration, at now: JobTime) {
        guard var entry = jobs[id] else { return }
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

    /// A scheduled job's time has come.
    mutating func becomeDue(_ id: JobID, at now: JobTime) {
        guard var entry = jobs[id], entry.status.state == .scheduled, entry.ending == nil else { return }
        entry.status.state = .queued
        entry.status.due = nil
        entry.status.revision += 1
        jobs[id] = entry
        enqueue(entry, at: now)
        markDirty(id, at: now)
    }

    func appendUpdate(of id: JobID, withChanges: Bool, to actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        actions.changes.append(.update(id, entry.status, withChanges ? entry.changes : nil))
    }
}
