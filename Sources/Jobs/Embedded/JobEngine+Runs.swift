import DashJSON
import HeapModule

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

// MARK: - End

extension JobEngine {
    /// The executor reports that an attempt ended. A report about an attempt that is not the present one is ignored.
    mutating func attemptEnded(_ id: JobID, attempt: Int, _ outcome: WorkerOutcome, at now: JobTime) -> JobActions {
        var actions = JobActions()
        guard let entry = jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        apply(rules.complete(entry.facts, outcome, isStopping: !isDispatching), at: now, into: &actions)
        dispatch(at: now, into: &actions)
        return actions
    }

    /// The end is written: now everybody is told.
    mutating func ended(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], let ending = entry.ending else { return }
        entry.status = ending
        entry.ending = nil
        entry.isExecuting = false
        release(entry)
        entry.request.payload = []
        entry.sharedEnd = nil
        actions.woken.formUnion(entry.takeWaiters())
        jobs[id] = entry
        land(id, SharedEnd(ending, of: id), at: now, into: &actions)
        finished.append(id, bytes: entry.bytes)
        evictFinished()
        planPruning(at: now.monotonic + configuration.keepFinished)
        // A new result may be one too many for the cache.
        if ending.result != nil, entry.request.cache != nil { planPruning(at: now.monotonic + Self.pruningInterval) }
    }

    /// The end could not be written: the job fails for everybody, and that is written when writing works again.
    mutating func endFailed(_ id: JobID, _ error: any Error, at now: JobTime, into actions: inout JobActions) {
        guard let ending = jobs[id]?.ending else { return }
        if ending.state == .succeeded {
            jobs[id]?.ending?.state = .failed
            jobs[id]?.ending?.result = nil
            jobs[id]?.ending?.failure = JobSentences.resultIsNotStored(error)
        }
        jobs[id]?.ending?.revision += 1
        ended(id, at: now, into: &actions)
        flushFailed(id, at: now)
    }

    /// Lets the oldest finished jobs go from memory; the store has them. The newest stays, however large it is: somebody
    /// is just about to be told of it.
    mutating func evictFinished() {
        while finished.count > configuration.maximumFinishedInMemory
            || finished.bytes > configuration.maximumFinishedBytesInMemory
        {
            guard finished.count > 1, let oldest = finished.oldest, !dirty.contains(oldest) else { return }
            finished.removeOldest()
            jobs[oldest] = nil
        }
    }
}

extension JobFailure {
    /// The failure of an attempt, as its job's.
    package init(_ failure: WorkerFailure) {
        let kind: Kind =
            switch failure.kind {
            case .error: .error
            case .crash: .crash
            case .startup: .startup
            case .incompatible: .incompatible
            case .tooLarge: .tooLarge
            case .timedOut: .timedOut
            }
        self.init(kind: kind, code: failure.code, message: failure.message, trace: failure.trace)
    }

    /// Whether another attempt may go better.
    package var allowsRetry: Bool {
        kind == .error || kind == .crash || kind == .lost || kind == .startup
    }
}

/// Jobs that are to keep their result under one key: one of them runs for all.
struct SharedRun: Sendable {
    /// The one that runs, or is the first to.
    var leader: JobID
    /// Those that wait for its end, in the order of their start; some may have ended by themselves.
    var followers: [JobID] = []
}

/// An end that a job gets without running, with the result that goes with it.
struct SharedEnd: Sendable {
    var end: JobEnd
    var result: RawJSON?

    /// The cached result of an earlier job.
    init(_ end: JobEnd, result: RawJSON) {
        (self.end, self.result) = (end, result)
    }

    /// The end of one job as that of others with the same key; nil if it says nothing of them.
    init?(_ ending: JobStatus, of leader: JobID) {
        end = JobEnd(ending.state, failure: ending.failure, result: ending.result == nil ? .none : .of(leader))
        result = ending.result
        guard end.isShared else { return nil }
    }
}

extension JobEngine {
    /// Whether an unfinished job makes the result of a key.
    func isTaken(_ key: CacheKey) -> Bool {
        sharedRuns[key].flatMap { jobs[$0.leader] }?.mayLead ?? false
    }

    /// A job makes the result of a key, for those that follow too.
    mutating func lead(_ key: CacheKey, by id: JobID) {
        sharedRuns[key, default: SharedRun(leader: id)].leader = id
    }

    /// A job waits for the end of the one that makes the result of a key.
    mutating func follow(_ key: CacheKey, by id: JobID) {
        sharedRuns[key]?.followers.append(id)
        jobs[id]?.isFollowing = true
    }

    /// A job has ended, or is forgotten: those that waited for it end as it did, or the next of them runs.
    mutating func land(_ id: JobID, _ end: SharedEnd?, at now: JobTime, into actions: inout JobActions) {
        guard let key = jobs[id]?.request.cache?.key, sharedRuns[key]?.leader == id,
            let followers = sharedRuns.removeValue(forKey: key)?.followers
        else { return }
        completedRuns += 1
        let waiting = followers.filter { jobs[$0]?.isWaitingForLeader ?? false }
        if let end {
            for follower in waiting { give(end, to: follower, at: now, into: &actions) }
        } else {
            for follower in waiting {
                guard let facts = jobs[follower]?.facts else { continue }
                apply(rules.takeOver(facts, isTaken: isTaken(key)), at: now, into: &actions)
            }
        }
    }

    /// Ends a job with what another made; one that is just being written, as soon as it is.
    private mutating func give(_ end: SharedEnd, to id: JobID, at now: JobTime, into actions: inout JobActions) {
        jobs[id]?.sharedEnd = end
        if jobs[id]?.isInserted ?? false { takeSharedEnd(id, at: now, into: &actions) }
    }

    /// Ends a job with what it was given.
    mutating func takeSharedEnd(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], let shared = entry.sharedEnd else { return }
        apply(rules.share(shared.end, with: entry.facts), at: now, into: &actions)
    }
}

extension JobEntry {
    /// Whether others may wait for its end.
    fileprivate var mayLead: Bool {
        facts.mayLead && earlyCancellation == nil
    }

    /// Whether it waits still, and has not ended by itself.
    fileprivate var isWaitingForLeader: Bool {
        isFollowing && ending == nil && !status.state.isFinished
    }
}

extension JobFailure {
    /// Whether a job with the same code and inputs would fail in the same way.
    package var concernsEqualJobs: Bool {
        switch kind {
        case .error, .tooLarge, .timedOut, .incompatible: true
        default: false
        }
    }
}

// MARK: - News

extension JobEngine {
    /// What the engine can say of a job.
    enum Answer: Sendable {
        case news(JobUpdate)
        /// The one who asked is kept as a waiter and will be woken.
        case waiting
        /// The job is not told of: not inserted yet, or its time is up.
        case nothing
        /// Only the store can know.
        case notInMemory
    }

    /// The present news of a job.
    mutating func update(of id: JobID, after sequence: Int, at now: JobTime) -> Answer {
        guard let entry = jobs[id] else { return .notInMemory }
        guard entry.isInserted, !isOutOfTime(entry.status, at: now) else { return .nothing }
        jobs[id]?.lastAsked = now.monotonic
        return .news(entry.news(after: sequence))
    }

    /// The news of a job if there are any after a sequence, or it is finished; else the waiter is kept.
    mutating func nextUpdate(of id: JobID, after sequence: Int, waiter: Int, at now: JobTime) -> Answer {
        guard case .news(let news) = update(of: id, after: sequence, at: now) else {
            return jobs[id] == nil ? .notInMemory : .nothing
        }
        if news.sequence > sequence || news.state.isFinished { return .news(news) }
        jobs[id]?.waiters.insert(waiter)
        return .waiting
    }

    /// A waiter is gone. Until now it was asking.
    mutating func waiterLeft(_ waiter: Int, of id: JobID, at now: JobTime) {
        jobs[id]?.waiters.remove(waiter)
        jobs[id]?.lastAsked = now.monotonic
    }

    /// The news of a job, after taking it back from the store if it came from there. In one step, as the next one to be
    /// taken back may put it out of memory again.
    mutating func update(of id: JobID, fetched: StoredJob?, after sequence: Int, at now: JobTime) -> Answer {
        if let fetched { adopt(fetched, at: now) }
        return update(of: id, after: sequence, at: now)
    }

    /// Takes a finished job back into memory from the store, where it stays at least until the next one is taken back.
    mutating func adopt(_ job: StoredJob, at now: JobTime) {
        let id = job.request.id
        guard jobs[id] == nil, job.status.state.isFinished, !isOutOfTime(job.status, at: now) else { return }
        let entry = JobEntry(request: job.request, status: job.status, changes: job.changes, lastAsked: now.monotonic)
        jobs[id] = entry
        finished.append(id, bytes: entry.bytes)
        evictFinished()
        planPruning(at: now.monotonic + configuration.keepFinished)
    }

    func isOutOfTime(_ status: JobStatus, at now: JobTime) -> Bool {
        guard let end = status.finished else { return false }
        return end + configuration.keepFinished <= now.wall
    }
}

// MARK: - Time

extension JobEngine {
    /// The next deadline, if it is earlier than the one the driver was told of.
    mutating func deadlineToArm() -> Duration? {
        guard let next = deadlines.min?.time, armed.map({ next < $0 }) ?? true else { return nil }
        armed = next
        return next
    }

    /// A deadline that was told has come.
    mutating func timePassed(at now: JobTime) -> JobActions {
        var actions = JobActions()
        armed = nil
        while let deadline = deadlines.min, deadline.time <= now.monotonic {
            deadlines.removeMin()
            switch deadline.matter {
            case .abandonment: abandonQueued(at: now, into: &actions)
            case .due(let id): becomeDue(id, at: now, into: &actions)
            case .flush: flush(at: now, into: &actions)
            case .unpausing: break  // The dispatch below looks at the time.
            case .pruning:
                // One that was planned before an earlier one is not heard.
                guard deadline.time == plannedPruning else { continue }
                plannedPruning = nil
                forgetFinished(at: now)
                actions.prunes = true
            }
        }
        dispatch(at: now, into: &actions)
        return actions
    }

    mutating func plan(_ matter: Deadline.Matter, at time: Duration) {
        deadlines.insert(Deadline(time: time, matter: matter))
    }

    mutating func planAbandonment(at time: Duration) {
        guard !isAbandonmentPlanned else { return }
        isAbandonmentPlanned = true
        plan(.abandonment, at: time)
    }

    mutating func planPruning(at time: Duration) {
        if let plannedPruning, plannedPruning <= time { return }
        plannedPruning = time
        plan(.pruning, at: time)
    }

    /// The shortest time between two prunings of the store that leave nothing to remove.
    static let pruningInterval = Duration.seconds(10)

    /// The store was pruned; what is left decides when it is done again: at once if there was too much for one go.
    mutating func pruned(_ pruning: StorePruning, at now: JobTime) {
        if pruning.hasMore { return planPruning(at: now.monotonic) }
        let times = [pruning.oldestFinished.map { $0 + configuration.keepFinished }, pruning.nextExpiry]
        guard let next = times.compactMap({ $0 }).min() else { return }
        planPruning(at: now.monotonic + max(Self.pruningInterval, next - now.wall))
    }

    private mutating func becomeDue(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        apply(rules.becomeDue(entry.facts), at: now, into: &actions)
    }

    /// Drops the jobs that wait for a worker and that nobody asked for.
    private mutating func abandonQueued(at now: JobTime, into actions: inout JobActions) {
        isAbandonmentPlanned = false
        var next: Duration?
        for (_, entry) in jobs where entry.status.state == .queued && entry.ending == nil && entry.isInserted {
            let asked = entry.waiters.isEmpty ? entry.lastAsked : now.monotonic
            let time = asked + configuration.abandonQueuedAfter
            if time <= now.monotonic {
                apply(rules.abandon(entry.facts), at: now, into: &actions)
            } else {
                next = min(next ?? time, time)
            }
        }
        if let next { planAbandonment(at: next) }
    }

    private mutating func forgetFinished(at now: JobTime) {
        while let oldest = finished.oldest, !dirty.contains(oldest) {
            if let entry = jobs[oldest], !isOutOfTime(entry.status, at: now) { return }
            finished.removeOldest()
            jobs[oldest] = nil
        }
    }
}

// MARK: - Restore

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
        if entry.status.state == .queued || entry.request.cache.map({ sharedRuns[$0.key] == nil }) ?? false {
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

// MARK: - Writes

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
