extension JobEngine {
    /// Cancels a job that is not finished.
    mutating func cancel(_ id: JobID, reason: String, at now: JobTime) -> JobActions {
        var actions = JobActions()
        cancel(id, reason: reason, at: now, into: &actions)
        return actions
    }

    mutating func cancel(_ id: JobID, reason: String, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        guard entry.isInserted else {
            jobs[id]?.earlyCancellation = reason
            return
        }
        switch entry.status.state {
        case .scheduled, .queued: end(id, as: .cancelled, reason: reason, at: now, into: &actions)
        case .running: cancelRunning(id, reason: reason, into: &actions)
        case .cancelling, .succeeded, .failed, .cancelled, .timedOut, .lost: break
        }
    }

    /// Tells everybody at once, then the executor, then the store, which must know in case the server comes down before
    /// the job has ended.
    private mutating func cancelRunning(_ id: JobID, reason: String, into actions: inout JobActions) {
        guard var entry = jobs[id] else { return }
        entry.status.state = .cancelling
        entry.status.endReason = reason
        entry.status.sequence += 1
        entry.status.revision += 1
        actions.woken.formUnion(entry.takeWaiters())
        if entry.isExecuting { actions.stopped.append(entry.taskID) }
        jobs[id] = entry
        appendUpdate(of: id, withChanges: false, to: &actions)
        actions.steps.append(.flushed(id))
    }
}
