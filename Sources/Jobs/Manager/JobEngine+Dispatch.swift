import HeapModule

extension JobEngine {
    /// Lets attempts begin, as many as there is room for. The executor is told when that is written.
    mutating func dispatch(at now: JobTime, into actions: inout JobActions) {
        while mayBegin(at: now), let place = queue.popMin() {
            guard let entry = jobs[place.id], entry.status.state == .queued, entry.ending == nil
            else { continue }
            apply(beginning(of: entry), at: now, into: &actions)
            appendUpdate(of: place.id, withChanges: entry.status.attempt > 0, to: &actions)
            actions.steps.append(.started(place.id))
        }
    }

    /// Whether there is room for another attempt.
    func mayBegin(at now: JobTime) -> Bool {
        isDispatching && runningCount < maximumRunning && pausedUntil <= now.monotonic
    }

    func beginning(of entry: JobEntry) -> JobTransition? {
        rules.begin(entry.facts, fence: "\(entry.status.attempt + 1)", version: .any)
    }

    /// The beginning of an attempt is written: it is executed, unless it was cancelled meanwhile or everything stops.
    mutating func started(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        if entry.status.state == .cancelling {
            apply(rules.putBack(entry.facts), at: now, into: &actions)
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
        apply(rules.putBack(entry.facts), at: now, into: &actions)
        guard entry.status.state == .running else { return }
        pausedUntil = now.monotonic + configuration.storageRetryDelay
        plan(.unpausing, at: pausedUntil)
    }
}
