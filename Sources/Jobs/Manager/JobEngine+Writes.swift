extension JobEngine {
    /// A write is done.
    ///
    /// - Parameters:
    ///   - steps: What it was for.
    ///   - refused: Insertions of jobs that had finished already.
    mutating func written(_ steps: [JobActions.Step], refused: Set<JobID>, at now: JobTime) -> JobActions {
        var actions = JobActions()
        for step in steps {
            switch step {
            case .inserted(let id): inserted(id, isFinishedAlready: refused.contains(id), at: now, into: &actions)
            case .started(let id): started(id, at: now, into: &actions)
            case .ended(let id): ended(id, at: now, into: &actions)
            case .flushed, .removed: break
            }
        }
        dispatch(at: now, into: &actions)
        return actions
    }

    /// A write has failed, as far as the store can tell.
    mutating func writeFailed(_ steps: [JobActions.Step], _ error: any Error, at now: JobTime) -> JobActions {
        var actions = JobActions()
        for step in steps {
            switch step {
            case .inserted(let id): insertionFailed(id, at: now, into: &actions)
            case .started(let id): startFailed(id, at: now, into: &actions)
            case .ended(let id): endFailed(id, error, at: now, into: &actions)
            case .flushed(let id): flushFailed(id, at: now)
            case .removed(let id): removeLater(id, at: now)
            }
        }
        // A job whose insertion failed may have held a place that another waits for.
        dispatch(at: now, into: &actions)
        return actions
    }
}
