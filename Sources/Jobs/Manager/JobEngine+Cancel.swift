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
        apply(rules.cancel(entry.facts, reason: reason), at: now, into: &actions)
    }
}
