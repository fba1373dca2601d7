extension JobEngine {
    /// Takes back the unfinished jobs of an earlier process, in the order they were created, and begins to work.
    mutating func restore(_ stored: [StoredJob], at now: JobTime) -> JobActions {
        var actions = JobActions()
        for job in stored where jobs[job.request.id] == nil {
            takeBack(job, at: now)
            resume(job.request.id, at: now, into: &actions)
        }
        isDispatching = true
        dispatch(at: now, into: &actions)
        return actions
    }

    private mutating func takeBack(_ job: StoredJob, at now: JobTime) {
        var entry = JobEntry(request: job.request, status: job.status, changes: job.changes, lastAsked: now.monotonic)
        lastTicket += 1
        entry.ticket = lastTicket
        count(entry, by: 1)
        hold(entry)
        jobs[job.request.id] = entry
        // One that had begun goes on whether or not another leads.
        if entry.status.state == .queued || entry.request.cache.map({ flights[$0.key] == nil }) ?? false {
            joinFlight(job.request.id)
        }
    }

    private mutating func joinFlight(_ id: JobID) {
        guard let key = jobs[id]?.request.cache?.key else { return }
        if isTaken(key) { follow(key, by: id) } else { lead(key, by: id) }
    }

    private mutating func resume(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        switch entry.status.state {
        case .queued where entry.isFollowing: planAbandonment(at: now.monotonic + configuration.abandonQueuedAfter)
        case .queued: enqueue(entry, at: now)
        case .scheduled: plan(.due(id), at: now.monotonic + max(.zero, (entry.status.due ?? now.wall) - now.wall))
        case .running, .cancelling:
            let cause: JobRules.Interruption = configuration.restart == .afterTrap ? .serverTrap : .server
            apply(rules.interrupt(entry.facts, by: cause), at: now, into: &actions)
        case .succeeded, .failed, .cancelled, .timedOut, .lost: break
        }
        checkVersion(id, at: now, into: &actions)
    }

    private mutating func checkVersion(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        let version = JobRules.ProgramVersion(configuration.currentVersion, entry.request.name)
        apply(rules.checkVersion(entry.facts, version), at: now, into: &actions)
    }

    /// No attempt begins any more; those under way may end.
    mutating func stop() {
        isDispatching = false
    }

    /// Everything has ended: what was not executed to its end waits for the next process. Whoever waits is woken.
    mutating func close(at now: JobTime) -> JobActions {
        var actions = JobActions()
        for (_, entry) in jobs where entry.isUnderWay {
            apply(rules.putBack(entry.facts), at: now, into: &actions)
        }
        flush(at: now, into: &actions)
        for id in jobs.keys { actions.woken.formUnion(jobs[id]?.takeWaiters() ?? []) }
        return actions
    }
}
