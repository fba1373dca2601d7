import DashJSON

/// The tables of the engine, and the transitions applied to them.
struct EngineState: Sendable {
    private let rules: JobRules
    private(set) var jobs = JobTable()
    private(set) var sharedRuns = SharedRuns()
    var deadlines = EngineDeadlines()
    /// Jobs whose status or changes are newer than the store's: the next flush writes them.
    private var unsaved: Set<JobID> = []
    /// Jobs that the store may contain although their insertion failed: the next flush removes them.
    private var removals: Set<JobID> = []

    init(rules: JobRules) {
        self.rules = rules
    }

    private var limits: JobManagerConfiguration { rules.limits }

    /// Whether an unfinished job computes the result of a key.
    func isTaken(_ key: CacheKey) -> Bool {
        sharedRuns.leader(of: key).flatMap { jobs[$0] }?.mayLead ?? false
    }

    func isExpired(_ status: JobStatus, at now: JobTime) -> Bool {
        guard let end = status.finished else { return false }
        return end + limits.keepFinished <= now.wall
    }

    // MARK: Jobs

    /// Adds an unfinished job.
    mutating func insert(_ entry: JobEntry) {
        removals.remove(entry.request.id)
        jobs.insert(entry)
    }

    /// Removes an unfinished job whose insertion failed. The store may contain it nevertheless.
    mutating func withdraw(_ id: JobID, isStored: Bool, into actions: inout JobActions) {
        completeRun(of: id, with: nil, into: &actions)
        actions.woken.formUnion(jobs[id]?.waiters ?? [])
        jobs.remove(id)
        if !isStored { removeLater(id, at: actions.time) }
    }

    @discardableResult
    mutating func update<Value>(_ id: JobID, _ body: (inout JobEntry) -> Value) -> Value? {
        jobs.update(id, body)
    }

    mutating func enqueue(_ id: JobID, at now: JobTime) {
        jobs.enqueue(id)
        planAbandonment(at: now)
    }

    mutating func popQueued() -> JobEntry? { jobs.popQueued() }

    /// Makes a restored job lead or follow. A job that had begun continues, whether or not another leads.
    mutating func joinRun(_ id: JobID) {
        guard let entry = jobs[id], let key = entry.request.cache?.key,
            entry.status.state == .queued || sharedRuns.leader(of: key) == nil
        else { return }
        if isTaken(key) { follow(key, by: id) } else { sharedRuns.lead(key, by: id) }
    }

    private mutating func follow(_ key: CacheKey, by id: JobID) {
        sharedRuns.follow(key, by: id)
        jobs.update(id) { $0.isFollowing = true }
    }

    mutating func planAbandonment(at now: JobTime) {
        deadlines.plan(.abandonment, at: now.monotonic + limits.abandonQueuedAfter)
    }
}

// MARK: - Transitions

extension EngineState {
    /// Applies a transition of `JobRules` and collects what has to be written.
    ///
    /// Guards about the job hold, as the rules read it from memory. A start checks those about limits and keys.
    mutating func apply(_ transition: JobTransition?, into actions: inout JobActions) {
        guard let transition else { return }
        for change in transition.changes { apply(change, to: transition.id, into: &actions) }
    }

    private mutating func apply(_ change: JobChange, to id: JobID, into actions: inout JobActions) {
        switch change {
        case .queue: wait(id, for: .zero, at: actions.time)
        case .schedule(let delay): wait(id, for: delay, at: actions.time)
        case .beginAttempt: beginAttempt(id, at: actions.time)
        case .countFailure: jobs.update(id) { $0.status.failures += 1 }
        case .countInterruption: jobs.update(id) { $0.status.interruptions += 1 }
        case .merge(let progress, let props): merge(progress, props, into: id, &actions)
        case .requestStop(let reason): requestStop(id, reason: reason, into: &actions)
        case .stopAttempt(let failure): stopAttempt(id, failure, into: &actions)
        case .finish(let end): finish(id, end, into: &actions)
        case .cacheResult(let cache):
            guard let result = jobs[id]?.ending?.result else { return }
            actions.changes.append(.cache(cache, result, actions.time.wall))
        case .lead(let key): sharedRuns.lead(key, by: id)
        case .follow(let key): follow(key, by: id)
        case .unfollow: jobs.update(id) { $0.isFollowing = false }
        case .notify: notify(id, into: &actions)
        // A start inserts the job; a shared run ends when its end is written; messages are for queues.
        case .create, .release, .resend, .remove: break
        }
    }

    /// Makes a job wait for a time, or for a worker if the delay is zero.
    private mutating func wait(_ id: JobID, for delay: Duration, at now: JobTime) {
        // A new job is queued when its insertion is written.
        guard jobs[id]?.isInserted ?? false else { return }
        jobs.update(id) { entry in
            entry.status.state = delay > .zero ? .scheduled : .queued
            entry.status.due = delay > .zero ? now.wall + delay : nil
            entry.status.revision += 1
            entry.isExecuting = false
        }
        if delay > .zero {
            deadlines.plan(.due(id), at: now.monotonic + delay)
        } else {
            enqueue(id, at: now)
        }
        markChanged(id, at: now)
    }

    private mutating func beginAttempt(_ id: JobID, at now: JobTime) {
        jobs.update(id) { entry in
            entry.status.state = .running
            entry.status.attempt += 1
            entry.status.started = now.wall
            entry.status.due = nil
            entry.status.revision += 1
            entry.changes = JobChanges()
            entry.stopFailure = nil
        }
    }

    private mutating func merge(
        _ progress: [PropertyValue],
        _ props: [PropertyValue],
        into id: JobID,
        _ actions: inout JobActions
    ) {
        let limit = limits.maximumChangesBytes
        let waiters = jobs.update(id) { entry in
            entry.merge(progress, as: .progress)
            entry.merge(props, as: .props)
            if entry.changes.bytes > limit {
                entry.changes.dropPatches(through: entry.status.delivery?.from ?? 0)
            }
            return entry.takeWaiters()
        }
        actions.woken.formUnion(waiters ?? [])
    }

    private mutating func requestStop(_ id: JobID, reason: String, into actions: inout JobActions) {
        jobs.update(id) { entry in
            entry.status.state = .cancelling
            entry.status.endReason = reason
            if entry.isExecuting { actions.stopped.append(entry.taskID) }
        }
    }

    private mutating func stopAttempt(_ id: JobID, _ failure: JobFailure, into actions: inout JobActions) {
        jobs.update(id) { entry in
            entry.stopFailure = failure
            entry.changes = JobChanges()
            actions.stopped.append(entry.taskID)
        }
    }

    /// Prepares the end, which ``publishEnd(_:into:)`` publishes when it is written.
    private mutating func finish(_ id: JobID, _ end: JobEnd, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil, !entry.status.state.isFinished else { return }
        let ending = entry.ended(end, at: actions.time.wall)
        jobs.update(id) { $0.ending = ending }
        unsaved.remove(id)
        actions.changes.append(.update(id, ending, entry.changes))
        actions.steps.append(.ended(id))
    }

    /// Wakes the waiters and writes the status at once. An end wakes them when it is written.
    private mutating func notify(_ id: JobID, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        let waiters = jobs.update(id) { entry in
            entry.status.sequence += 1
            entry.status.revision += 1
            return entry.takeWaiters()
        }
        actions.woken.formUnion(waiters ?? [])
        unsaved.remove(id)
        appendUpdate(of: id, withChanges: false, to: &actions)
        actions.steps.append(.flushed(id))
    }

    func appendUpdate(of id: JobID, withChanges: Bool, to actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        actions.changes.append(.update(id, entry.status, withChanges ? entry.changes : nil))
    }
}

// MARK: - Ends

extension EngineState {
    /// Publishes an end that is written.
    mutating func publishEnd(_ id: JobID, into actions: inout JobActions) {
        guard let entry = jobs[id], let ending = entry.ending else { return }
        let waiters = jobs.update(id) { entry in
            entry.status = ending
            entry.ending = nil
            entry.isExecuting = false
            entry.request.payload = []
            entry.sharedEnd = nil
            return entry.takeWaiters()
        }
        actions.woken.formUnion(waiters ?? [])
        completeRun(of: id, with: SharedEnd(ending, of: id), into: &actions)
        keepFinished(id, at: actions.time)
        // The new result may exceed the size of the cache.
        if ending.result != nil, entry.request.cache != nil {
            deadlines.plan(.pruning, at: actions.time.monotonic + EngineDeadlines.pruningInterval)
        }
    }

    /// Publishes an end that could not be written, a success as a failure. The next flush that succeeds writes it.
    mutating func publishUnsavedEnd(_ id: JobID, _ error: any Error, into actions: inout JobActions) {
        guard var ending = jobs[id]?.ending else { return }
        if ending.state == .succeeded {
            ending.state = .failed
            ending.result = nil
            ending.failure = JobSentences.resultIsNotStored(error)
        }
        ending.revision += 1
        jobs.update(id) { $0.ending = ending }
        publishEnd(id, into: &actions)
        flushFailed(id, at: actions.time)
    }

    /// Ends the run that a job leads: its followers end in the same way, or the first of them leads.
    private mutating func completeRun(of id: JobID, with end: SharedEnd?, into actions: inout JobActions) {
        guard let key = jobs[id]?.request.cache?.key, let followers = sharedRuns.complete(key, by: id) else { return }
        for follower in followers.filter({ jobs[$0]?.isWaitingForLeader ?? false }) {
            if let end {
                let isInserted = jobs.update(follower) { entry in
                    entry.sharedEnd = end
                    return entry.isInserted
                }
                if isInserted ?? false { takeSharedEnd(follower, into: &actions) }
            } else if let facts = jobs[follower]?.facts {
                apply(rules.takeOver(facts, isTaken: isTaken(key)), into: &actions)
            }
        }
    }

    /// Ends a job with the end it takes over.
    mutating func takeSharedEnd(_ id: JobID, into actions: inout JobActions) {
        guard let entry = jobs[id], let shared = entry.sharedEnd else { return }
        apply(rules.share(shared.end, with: entry.facts), into: &actions)
    }

    // MARK: Memory

    /// Adds a finished job from the store. It stays at least until the next one is added.
    mutating func adopt(_ job: StoredJob, at now: JobTime) {
        let id = job.request.id
        guard jobs[id] == nil, job.status.state.isFinished, !isExpired(job.status, at: now) else { return }
        jobs.insert(JobEntry(job, lastAsked: now.monotonic))
        keepFinished(id, at: now)
    }

    /// Keeps a finished job in memory and evicts the oldest above the limits. The newest stays: it is about to be read.
    private mutating func keepFinished(_ id: JobID, at now: JobTime) {
        jobs.appendFinished(id)
        while jobs.finished.count > limits.maximumFinishedInMemory
            || jobs.finished.bytes > limits.maximumFinishedBytesInMemory
        {
            guard jobs.finished.count > 1, oldestSaved != nil else { break }
            jobs.removeOldestFinished()
        }
        deadlines.plan(.pruning, at: now.monotonic + limits.keepFinished)
    }

    mutating func removeExpired(at now: JobTime) {
        while let oldest = oldestSaved {
            if let entry = jobs[oldest], !isExpired(entry.status, at: now) { return }
            jobs.removeOldestFinished()
        }
    }

    /// The job that finished first, if its status is stored.
    private var oldestSaved: JobID? {
        jobs.finished.oldest.flatMap { unsaved.contains($0) ? nil : $0 }
    }
}

// MARK: - Flushes

extension EngineState {
    /// Plans to write a job with the next flush.
    mutating func markChanged(_ id: JobID, at now: JobTime) {
        unsaved.insert(id)
        deadlines.plan(.flush, at: now.monotonic + limits.flushInterval)
    }

    /// Writes everything that is newer than the store.
    mutating func flush(into actions: inout JobActions) {
        // Jobs whose end is being written stay: an older status must not overtake it.
        let ready = unsaved.filter { jobs[$0]?.ending == nil }
        for id in ready where jobs[id] != nil {
            jobs.update(id) { $0.status.revision += 1 }
            appendUpdate(of: id, withChanges: true, to: &actions)
            actions.steps.append(.flushed(id))
        }
        for id in removals {
            actions.changes.append(.remove(id))
            actions.steps.append(.removed(id))
        }
        unsaved.subtract(ready)
        removals = []
        // Later than now even without an interval: the driver must first write the ends.
        let wait = max(limits.flushInterval, .milliseconds(1))
        if !unsaved.isEmpty { deadlines.plan(.flush, at: actions.time.monotonic + wait) }
    }

    mutating func flushFailed(_ id: JobID, at now: JobTime) {
        guard jobs[id] != nil else { return }
        unsaved.insert(id)
        deadlines.plan(.flush, at: now.monotonic + limits.storageRetryDelay)
    }

    /// Removes a job from the store, which may contain it although its insertion failed.
    mutating func removeLater(_ id: JobID, at now: JobTime) {
        removals.insert(id)
        deadlines.plan(.flush, at: now.monotonic + limits.storageRetryDelay)
    }
}
