extension JobEngine {
    /// The executor says that a task can be stopped from now on. A cancellation that came too early is said again.
    func begun(_ id: JobID, attempt: Int) -> JobActions {
        var actions = JobActions()
        guard let entry = jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        if entry.status.state == .cancelling || entry.stopFailure != nil { actions.stopped.append(entry.taskID) }
        return actions
    }

    /// Takes in what an attempt sends. An attempt that is not the present one, or is being cancelled, is not heard.
    mutating func merge(
        _ values: [PropertyValue],
        as sort: JobChanges.Sort,
        of id: JobID,
        attempt: Int,
        at now: JobTime
    ) -> JobActions {
        var actions = JobActions()
        guard !values.isEmpty, let entry = jobs[id], entry.ending == nil, entry.status.attempt == attempt else {
            return actions
        }
        let (progress, props) = sort == .progress ? (values, []) : ([], values)
        guard let sent = rules.merge(entry.facts, progress: progress, props: props) else { return actions }
        apply(sent, at: now, into: &actions)
        if let entry = jobs[id] {
            apply(rules.overflow(entry.facts, bytes: entry.changes.bytes), at: now, into: &actions)
        }
        markDirty(id, at: now)
        return actions
    }

    /// Remembers what the page was told of a job, which may have been fetched from the store.
    mutating func record(_ delivery: Delivery, for id: JobID, fetched: StoredJob?, at now: JobTime) {
        if let fetched { adopt(fetched, at: now) }
        guard jobs[id] != nil else { return }
        jobs[id]?.status.delivery = delivery
        jobs[id]?.ending?.delivery = delivery
        jobs[id]?.lastAsked = now.monotonic
        markDirty(id, at: now)
    }

    /// Has the job written with the next flush.
    mutating func markDirty(_ id: JobID, at now: JobTime) {
        dirty.insert(id)
        planFlush(at: now.monotonic + configuration.flushInterval)
    }

    mutating func planFlush(at time: Duration) {
        guard !isFlushPlanned else { return }
        isFlushPlanned = true
        plan(.flush, at: time)
    }

    /// Writes whatever is newer than the store.
    mutating func flush(at now: JobTime, into actions: inout JobActions) {
        isFlushPlanned = false
        let ready = dirty.filter { jobs[$0]?.ending == nil }
        for id in ready where jobs[id] != nil {
            jobs[id]?.status.revision += 1
            appendUpdate(of: id, withChanges: true, to: &actions)
            actions.steps.append(.flushed(id))
        }
        for id in removals {
            actions.changes.append(.remove(id))
            actions.steps.append(.removed(id))
        }
        removals = []
        dirty.subtract(ready)
        // The others are just being written with their end, which a status from before must not overtake.
        if !dirty.isEmpty { planFlush(at: now.monotonic + configuration.flushInterval) }
    }

    mutating func flushFailed(_ id: JobID, at now: JobTime) {
        guard jobs[id] != nil else { return }
        dirty.insert(id)
        planFlush(at: now.monotonic + configuration.storageRetryDelay)
    }

    /// The store may hold a job whose insertion it said had failed: it is removed when writing works again.
    mutating func removeLater(_ id: JobID, at now: JobTime) {
        removals.insert(id)
        planFlush(at: now.monotonic + configuration.storageRetryDelay)
    }
}

extension JobEntry {
    /// Merges values, each as a change of its own, and returns who waited for one.
    mutating func takeIn(_ values: [PropertyValue], as sort: JobChanges.Sort) -> Set<Int> {
        for value in values {
            status.sequence += 1
            changes.merge(value, as: sort, sequence: status.sequence)
        }
        return takeWaiters()
    }

    mutating func takeWaiters() -> Set<Int> {
        let taken = waiters
        waiters = []
        return taken
    }
}
