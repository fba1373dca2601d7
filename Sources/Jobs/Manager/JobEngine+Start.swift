import DashJSON
import HeapModule

extension JobEngine {
    /// Takes a new job in. It is told to nobody until its insertion is written.
    ///
    /// A job that is known already is written again and not started twice.
    ///
    /// - Parameter kept: A result that the job ends with in place of running.
    mutating func start(_ request: JobRequest, kept: RawJSON? = nil, at now: JobTime) throws(JobsError) -> JobActions {
        var actions = JobActions()
        if let known = jobs[request.id] {
            if !known.isInserted { actions.changes.append(.insert(stored(known))) }
            return actions
        }
        let transition = try allowedStart(of: request, isCached: kept != nil)
        removals.remove(request.id)
        lastTicket += 1
        var entry = JobEntry(
            request: request,
            status: JobStatus(state: .queued, created: now.wall),
            lastAsked: now.monotonic
        )
        entry.ticket = lastTicket
        entry.isInserted = false
        if let kept, let end = transition.end {
            entry.sharedEnd = SharedEnd(end, result: kept)
        }
        waitingCount += 1
        hold(entry)
        jobs[request.id] = entry
        if transition.end == nil { apply(transition, at: now, into: &actions) }
        actions.steps = [.inserted(request.id)]
        if let entry = jobs[request.id], transition.end == nil, !entry.isFollowing, mayBegin(at: now), waitingCount == 1
        {
            apply(beginning(of: entry), at: now, into: &actions)
            actions.steps.append(.started(request.id))
        }
        actions.changes = jobs[request.id].map { [.insert(stored($0))] } ?? []
        return actions
    }

    /// The transition of a start whose guards hold.
    private func allowedStart(of request: JobRequest, isCached: Bool) throws(JobsError) -> JobTransition {
        var use: JobRules.KeyUse = isCached ? .cached : .unknown
        while true {
            let transition = try rules.start(request, key: use)
            guard let (failed, found) = firstFailed(transition.guards) else { return transition }
            if let error = JobSentences.refusal(failed, found: found) { throw error }
            use = rules.keyUse(after: failed) ?? .unknown
        }
    }

    /// The first guard of a start that does not hold, and what it found. Whether a result is cached the driver has looked up.
    private func firstFailed(_ guards: [JobGuard]) -> (JobGuard, Int)? {
        for one in guards {
            switch one {
            case .waitingJobs(let most) where waitingCount >= most: return (one, waitingCount)
            case .inputBytes(let bytes, let most) where bytes > most - unfinishedBytes: return (one, unfinishedBytes)
            case .unfinishedJobs(let owner, let most) where unfinishedOfOwner[owner, default: 0] >= most:
                return (one, unfinishedOfOwner[owner, default: 0])
            case .isFree(let key) where isTaken(key): return (one, 0)
            case .isTaken(let key) where !isTaken(key): return (one, 0)
            default: continue
            }
        }
        return nil
    }

    func stored(_ entry: JobEntry) -> StoredJob {
        StoredJob(request: entry.request, status: entry.status, changes: entry.changes)
    }

    /// The insertion is written: the job waits, unless its first attempt was part of the same write.
    mutating func inserted(_ id: JobID, isFinishedAlready: Bool, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], !entry.isInserted else { return }
        if isFinishedAlready {
            forgetUnfinished(id, at: now, into: &actions)
            return
        }
        entry.isInserted = true
        jobs[id] = entry
        if let reason = entry.earlyCancellation {
            cancel(id, reason: reason, at: now, into: &actions)
        } else if entry.sharedEnd != nil {
            takeSharedEnd(id, at: now, into: &actions)
        } else if entry.isFollowing {
            planAbandonment(at: now.monotonic + configuration.abandonQueuedAfter)
        } else if entry.status.state == .queued {
            enqueue(entry, at: now)
        }
    }

    mutating func insertionFailed(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], !entry.isInserted else { return }
        forgetUnfinished(id, at: now, into: &actions)
        removeLater(id, at: now)
    }

    /// Takes a job that is not finished out of memory and of all counts.
    private mutating func forgetUnfinished(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        land(id, nil, at: now, into: &actions)
        guard let entry = jobs.removeValue(forKey: id) else { return }
        actions.woken.formUnion(entry.waiters)
        count(entry, by: -1)
        release(entry)
    }

    mutating func enqueue(_ entry: JobEntry, at now: JobTime) {
        if queue.count > 2 * waitingCount + 64 {
            // Jobs that were cancelled left their places behind.
            let waiting = queue.unordered.filter { place in
                jobs[place.id].map { $0.status.state == .queued && $0.ending == nil } ?? false
            }
            queue = Heap(waiting)
        }
        queue.insert(QueuePlace(priority: entry.request.priority, ticket: entry.ticket, id: entry.request.id))
        planAbandonment(at: now.monotonic + configuration.abandonQueuedAfter)
    }

    /// Counts a job among the waiting or the running, by its state.
    mutating func count(_ entry: JobEntry, by difference: Int) {
        switch entry.status.state {
        case .scheduled, .queued: waitingCount += difference
        case .running, .cancelling: runningCount += difference
        case .succeeded, .failed, .cancelled, .timedOut, .lost: break
        }
    }

    /// Counts an unfinished job in what its owner and the queue may hold.
    mutating func hold(_ entry: JobEntry) {
        unfinishedOfOwner[entry.request.owner, default: 0] += 1
        unfinishedBytes += entry.inputBytes
    }

    /// A job that was held has ended, or is forgotten. Its payload must still be there.
    mutating func release(_ entry: JobEntry) {
        unfinishedBytes -= entry.inputBytes
        let left = unfinishedOfOwner[entry.request.owner, default: 0] - 1
        unfinishedOfOwner[entry.request.owner] = left > 0 ? left : nil
    }
}
