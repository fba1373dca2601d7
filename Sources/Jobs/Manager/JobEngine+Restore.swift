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
            _ = joinFlight(job.request.id)
        }
    }

    private mutating func resume(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        switch entry.status.state {
        case .queued where entry.isFollowing: planAbandonment(at: now.monotonic + configuration.abandonQueuedAfter)
        case .queued: enqueue(entry, at: now)
        case .scheduled: plan(.due(id), at: now.monotonic + max(.zero, (entry.status.due ?? now.wall) - now.wall))
        case .running: interrupted(id, at: now, into: &actions)
        case .cancelling: end(id, as: .cancelled, at: now, into: &actions)
        case .succeeded, .failed, .cancelled, .timedOut, .lost: break
        }
        checkVersion(id, at: now, into: &actions)
    }

    /// A job was running when the server came down. If the job cannot be the cause it is run again, but not for ever.
    private mutating func interrupted(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        if configuration.restart == .afterTrap, entry.status.interruptions < configuration.maximumInterruptions {
            jobs[id]?.status.interruptions += 1
            wait(id, for: .zero, at: now)
            return
        }
        let message = "The server came down while the job was running. The job may have done a part of its work."
        attemptFailed(id, JobFailure(kind: .lost, code: "lost", message: message), at: now, into: &actions)
    }

    private mutating func checkVersion(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil, let currentVersion = configuration.currentVersion else {
            return
        }
        let current = currentVersion(entry.request.name)
        guard current != entry.request.version else { return }
        let what =
            current == nil ? "has no job “\(entry.request.name)” any more" : "has another “\(entry.request.name)”"
        let message = "The job was started by an earlier version of the program. This one \(what)."
        let failure = JobFailure(kind: .incompatible, code: "version", message: message)
        end(id, as: .failed, failure: failure, at: now, into: &actions)
    }

    /// No attempt begins any more; those under way may end.
    mutating func stop() {
        isDispatching = false
    }

    /// Everything has ended: what was not executed to its end waits for the next process. Whoever waits is woken.
    mutating func close(at now: JobTime) -> JobActions {
        var actions = JobActions()
        for (id, entry) in jobs where entry.isUnderWay {
            if entry.status.state == .cancelling {
                end(id, as: .cancelled, at: now, into: &actions)
            } else {
                wait(id, for: .zero, at: now)
            }
        }
        flush(at: now, into: &actions)
        for id in jobs.keys { actions.woken.formUnion(jobs[id]?.takeWaiters() ?? []) }
        return actions
    }
}
