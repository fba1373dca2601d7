import DashJSON

/// Pure state machine of an embedded manager: takes events, applies transitions of `JobRules`, returns actions.
///
/// An end is persisted before it is published, and the start of an attempt before it is executed.
struct JobEngine: Sendable {
    private(set) var state: EngineState
    private let rules: JobRules
    private let maximumRunning: Int
    /// Whether attempts may begin: from the opening to the stop.
    private var isDispatching = false
    /// No attempt begins before this time, because the store could not write the last one.
    private var pausedUntil = Duration.zero

    init(configuration: JobManagerConfiguration, maximumRunning: Int) {
        rules = JobRules(configuration)
        state = EngineState(rules: rules)
        self.maximumRunning = max(1, maximumRunning)
    }

    /// How many shared runs have ended.
    var completedRuns: Int { state.sharedRuns.completedRuns }

    private var limits: JobManagerConfiguration { rules.limits }

    var statistics: JobStatistics {
        // A scheduled job whose end is being written does not wait any more.
        let scheduled = state.jobs.all.count { $0.status.state == .scheduled && $0.ending == nil }
        return JobStatistics(
            queued: state.jobs.waitingCount - scheduled,
            scheduled: scheduled,
            running: state.jobs.runningCount,
            finished: state.jobs.finished.count,
            maximumRunning: maximumRunning
        )
    }
}

// MARK: - Start

extension JobEngine {
    /// Adds a job, which is not visible until its insertion is written. A known job is not started twice.
    ///
    /// - Parameter cached: The result of an earlier job, with which this one ends instead of running.
    mutating func start(_ request: JobRequest, cached: RawJSON? = nil, at now: JobTime) throws(JobsError) -> JobActions
    {
        var actions = JobActions(at: now)
        if let known = state.jobs[request.id] {
            if !known.isInserted { actions.changes.append(.insert(known.stored)) }
            return actions
        }
        let transition = try allowedStart(of: request, isCached: cached != nil)
        let status = JobStatus(state: .queued, created: now.wall)
        var entry = JobEntry(request: request, status: status, lastAsked: now.monotonic)
        entry.isInserted = false
        if let cached, let end = transition.end { entry.sharedEnd = SharedEnd(end, result: cached) }
        state.insert(entry)
        actions.steps.append(.inserted(request.id))
        if transition.end == nil {
            state.apply(transition, into: &actions)
            beginWithInsertion(request.id, into: &actions)
        }
        if let entry = state.jobs[request.id] { actions.changes.append(.insert(entry.stored)) }
        return actions
    }

    /// Begins the first attempt in the write that inserts the job, if no other job waits.
    private mutating func beginWithInsertion(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], !entry.isFollowing, state.jobs.waitingCount == 1, mayBegin(at: actions.time)
        else { return }
        state.apply(beginning(of: entry), into: &actions)
        actions.steps.append(.started(id))
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

    /// The first guard that does not hold, and what it found. The driver checks whether a result is cached.
    private func firstFailed(_ guards: [JobGuard]) -> (JobGuard, Int)? {
        let (waiting, bytes) = (state.jobs.waitingCount, state.jobs.unfinishedBytes)
        for one in guards {
            switch one {
            case .waitingJobs(let most) where waiting >= most: return (one, waiting)
            case .inputBytes(let added, let most) where added > most - bytes: return (one, bytes)
            case .unfinishedJobs(let owner, let most):
                let unfinished = state.jobs.unfinishedOfOwner[owner, default: 0]
                if unfinished >= most { return (one, unfinished) }
            case .isFree(let key) where state.isTaken(key): return (one, 0)
            case .isTaken(let key) where !state.isTaken(key): return (one, 0)
            default: continue
            }
        }
        return nil
    }

    // MARK: Dispatch

    /// Begins as many attempts as there is room for. They are executed when that is written.
    private mutating func dispatch(into actions: inout JobActions) {
        while mayBegin(at: actions.time), let entry = state.popQueued() {
            state.apply(beginning(of: entry), into: &actions)
            // The changes of an earlier attempt are removed.
            state.appendUpdate(of: entry.request.id, withChanges: entry.status.attempt > 0, to: &actions)
            actions.steps.append(.started(entry.request.id))
        }
    }

    private func mayBegin(at now: JobTime) -> Bool {
        isDispatching && state.jobs.runningCount < maximumRunning && pausedUntil <= now.monotonic
    }

    private func beginning(of entry: JobEntry) -> JobTransition? {
        rules.begin(entry.facts, fence: "\(entry.status.attempt + 1)", version: .any)
    }
}

// MARK: - Writes

extension JobEngine {
    /// A write has succeeded.
    ///
    /// - Parameters:
    ///   - steps: The steps of the write.
    ///   - refused: Insertions of jobs that had finished already.
    mutating func written(_ steps: [JobActions.Step], refused: Set<JobID>, at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        for step in steps {
            switch step {
            case .inserted(let id): inserted(id, isRefused: refused.contains(id), into: &actions)
            case .started(let id): started(id, into: &actions)
            case .ended(let id): state.publishEnd(id, into: &actions)
            case .flushed, .removed: break
            }
        }
        dispatch(into: &actions)
        return actions
    }

    /// A write has failed, as far as the store knows.
    mutating func writeFailed(_ steps: [JobActions.Step], _ error: any Error, at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        for step in steps {
            switch step {
            case .inserted(let id): insertionFailed(id, into: &actions)
            case .started(let id): startFailed(id, into: &actions)
            case .ended(let id): state.publishUnsavedEnd(id, error, into: &actions)
            case .flushed(let id): state.flushFailed(id, at: now)
            case .removed(let id): state.removeLater(id, at: now)
            }
        }
        // A job whose insertion failed may have occupied a slot.
        dispatch(into: &actions)
        return actions
    }

    /// The job waits for a worker, unless its first attempt was part of the same write.
    private mutating func inserted(_ id: JobID, isRefused: Bool, into actions: inout JobActions) {
        guard let entry = state.jobs[id], !entry.isInserted else { return }
        guard !isRefused else { return state.withdraw(id, isStored: true, into: &actions) }
        state.update(id) { $0.isInserted = true }
        if let reason = entry.earlyCancellation {
            cancel(id, reason: reason, into: &actions)
        } else if entry.sharedEnd != nil {
            state.takeSharedEnd(id, into: &actions)
        } else if entry.isFollowing {
            state.planAbandonment(at: actions.time)
        } else if entry.status.state == .queued {
            state.enqueue(id, at: actions.time)
        }
    }

    private mutating func insertionFailed(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], !entry.isInserted else { return }
        state.withdraw(id, isStored: false, into: &actions)
    }

    /// Executes an attempt whose beginning is written, unless it was cancelled meanwhile or the manager is stopping.
    private mutating func started(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        if entry.status.state == .cancelling {
            state.apply(rules.putBack(entry.facts), into: &actions)
        } else if isDispatching {
            state.update(id) { $0.isExecuting = true }
            var task = WorkerTask(id: entry.taskID, name: entry.request.name, payload: entry.request.payload)
            task.remote = entry.request.remote
            actions.executions.append(JobExecution(id: id, attempt: entry.status.attempt, task: task))
        }
    }

    /// Queues the job again and pauses all attempts.
    private mutating func startFailed(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        state.apply(rules.putBack(entry.facts), into: &actions)
        guard entry.status.state == .running else { return }
        pausedUntil = actions.time.monotonic + limits.storageRetryDelay
        state.deadlines.plan(.unpausing, at: pausedUntil)
    }
}

// MARK: - Attempts

extension JobEngine {
    /// The executor can stop the task from now on. Repeats a stop that came too early.
    func begun(_ id: JobID, attempt: Int, at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        guard let entry = state.jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        if entry.status.state == .cancelling || entry.stopFailure != nil { actions.stopped.append(entry.taskID) }
        return actions
    }

    /// Merges values that an attempt sent. Values of an earlier attempt, or of one that is being stopped, are ignored.
    mutating func merge(
        _ values: [PropertyValue],
        as sort: JobChanges.Sort,
        of id: JobID,
        attempt: Int,
        at now: JobTime
    ) -> JobActions {
        var actions = JobActions(at: now)
        guard !values.isEmpty, let entry = state.jobs[id], entry.ending == nil, entry.status.attempt == attempt else {
            return actions
        }
        let (progress, props) = sort == .progress ? (values, []) : ([], values)
        guard let sent = rules.merge(entry.facts, progress: progress, props: props) else { return actions }
        state.apply(sent, into: &actions)
        if let entry = state.jobs[id] {
            state.apply(rules.overflow(entry.facts, bytes: entry.changes.bytes), into: &actions)
        }
        state.markChanged(id, at: now)
        return actions
    }

    /// An attempt has ended. Reports of an earlier attempt are ignored.
    mutating func attemptEnded(_ id: JobID, attempt: Int, _ outcome: WorkerOutcome, at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        guard let entry = state.jobs[id], entry.isUnderWay, entry.status.attempt == attempt else { return actions }
        state.apply(rules.complete(entry.facts, outcome, isStopping: !isDispatching), into: &actions)
        dispatch(into: &actions)
        return actions
    }

    /// Cancels a job that is not finished.
    mutating func cancel(_ id: JobID, reason: String, at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        cancel(id, reason: reason, into: &actions)
        return actions
    }

    private mutating func cancel(_ id: JobID, reason: String, into actions: inout JobActions) {
        guard let entry = state.jobs[id], entry.ending == nil else { return }
        if entry.isInserted {
            state.apply(rules.cancel(entry.facts, reason: reason), into: &actions)
        } else {
            state.update(id) { $0.earlyCancellation = reason }
        }
    }
}

// MARK: - Updates

extension JobEngine {
    /// What the engine knows of a job.
    enum Answer: Sendable {
        case update(JobUpdate)
        /// The waiter is registered and will be woken.
        case waiting
        /// The job is not inserted yet, or expired.
        case nothing
        /// The store may have the job.
        case notInMemory
    }

    func isInMemory(_ id: JobID) -> Bool { state.jobs[id] != nil }

    /// The update of a job. If it was fetched from the store it is added to memory, where the next one may evict it.
    mutating func update(of id: JobID, fetched: StoredJob? = nil, after sequence: Int, at now: JobTime) -> Answer {
        if let fetched { state.adopt(fetched, at: now) }
        guard let entry = state.jobs[id] else { return .notInMemory }
        guard entry.isInserted, !state.isExpired(entry.status, at: now) else { return .nothing }
        state.update(id) { $0.lastAsked = now.monotonic }
        return .update(entry.update(after: sequence))
    }

    /// The update of a job that has changed after a sequence or is finished; otherwise registers the waiter.
    mutating func nextUpdate(of id: JobID, after sequence: Int, waiter: Int, at now: JobTime) -> Answer {
        let answer = update(of: id, after: sequence, at: now)
        guard case .update(let update) = answer, update.sequence <= sequence, !update.state.isFinished else {
            return answer
        }
        state.update(id) { _ = $0.waiters.insert(waiter) }
        return .waiting
    }

    /// A waiter has stopped waiting. Until now it counted as a read.
    mutating func waiterLeft(_ waiter: Int, of id: JobID, at now: JobTime) {
        state.update(id) { entry in
            entry.waiters.remove(waiter)
            entry.lastAsked = now.monotonic
        }
    }

    /// Records what was delivered to the page of a job, which may have been fetched from the store.
    mutating func record(_ delivery: Delivery, for id: JobID, fetched: StoredJob?, at now: JobTime) {
        if let fetched { state.adopt(fetched, at: now) }
        guard isInMemory(id) else { return }
        state.update(id) { entry in
            entry.status.delivery = delivery
            entry.ending?.delivery = delivery
            entry.lastAsked = now.monotonic
        }
        state.markChanged(id, at: now)
    }
}

// MARK: - Time

extension JobEngine {
    /// The next deadline, if the driver's timer has to be set to it.
    mutating func timeToArm() -> Duration? { state.deadlines.timeToArm() }

    /// The driver's timer has fired.
    mutating func timePassed(at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        state.deadlines.disarm()
        while let matter = state.deadlines.popPassed(at: now.monotonic) {
            switch matter {
            case .abandonment: abandonQueued(into: &actions)
            case .due(let id): becomeDue(id, into: &actions)
            case .flush: state.flush(into: &actions)
            case .unpausing: break  // `dispatch` compares the time.
            case .pruning:
                state.removeExpired(at: now)
                actions.prunes = true
            }
        }
        dispatch(into: &actions)
        return actions
    }

    /// The store was pruned. What is left decides when it is pruned next: at once if one pruning could not remove all.
    mutating func pruned(_ pruning: StorePruning, at now: JobTime) {
        if pruning.hasMore { return state.deadlines.plan(.pruning, at: now.monotonic) }
        let times = [pruning.oldestFinished.map { $0 + limits.keepFinished }, pruning.nextExpiry]
        guard let next = times.compactMap({ $0 }).min() else { return }
        state.deadlines.plan(.pruning, at: now.monotonic + max(EngineDeadlines.pruningInterval, next - now.wall))
    }

    private mutating func becomeDue(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], entry.ending == nil else { return }
        state.apply(rules.becomeDue(entry.facts), into: &actions)
    }

    /// Ends queued jobs that were not read for too long.
    private mutating func abandonQueued(into actions: inout JobActions) {
        let now = actions.time.monotonic
        var next: Duration?
        for entry in state.jobs.all where entry.isQueued && entry.isInserted {
            let time = (entry.waiters.isEmpty ? entry.lastAsked : now) + limits.abandonQueuedAfter
            if time <= now {
                state.apply(rules.abandon(entry.facts), into: &actions)
            } else {
                next = min(next ?? time, time)
            }
        }
        if let next { state.deadlines.plan(.abandonment, at: next) }
    }
}

// MARK: - Restore and stop

extension JobEngine {
    /// Restores the unfinished jobs of an earlier process, in the order of their creation, and begins attempts.
    mutating func restore(_ stored: [StoredJob], at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        for job in stored where !isInMemory(job.request.id) {
            let entry = JobEntry(job, lastAsked: now.monotonic)
            state.insert(entry)
            state.joinRun(job.request.id)
            resume(job.request.id, into: &actions)
            checkVersion(job.request.id, into: &actions)
        }
        isDispatching = true
        dispatch(into: &actions)
        return actions
    }

    private mutating func resume(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id] else { return }
        let now = actions.time
        switch entry.status.state {
        case .queued where entry.isFollowing: state.planAbandonment(at: now)
        case .queued: state.enqueue(id, at: now)
        case .scheduled:
            let wait = (entry.status.due ?? now.wall) - now.wall
            state.deadlines.plan(.due(id), at: now.monotonic + max(.zero, wait))
        case .running, .cancelling:
            let cause: JobRules.Interruption = limits.restart == .afterTrap ? .serverTrap : .server
            state.apply(rules.interrupt(entry.facts, by: cause), into: &actions)
        case .succeeded, .failed, .cancelled, .timedOut, .lost: break
        }
    }

    private mutating func checkVersion(_ id: JobID, into actions: inout JobActions) {
        guard let entry = state.jobs[id], entry.ending == nil else { return }
        let version = JobRules.ProgramVersion(limits.currentVersion, entry.request.name)
        state.apply(rules.checkVersion(entry.facts, version), into: &actions)
    }

    /// No attempt begins any more. Those under way may end.
    mutating func stop() {
        isDispatching = false
    }

    /// All attempts have ended. Jobs that were not completed wait for the next process; all waiters are woken.
    mutating func close(at now: JobTime) -> JobActions {
        var actions = JobActions(at: now)
        for entry in state.jobs.all where entry.isUnderWay {
            state.apply(rules.putBack(entry.facts), into: &actions)
        }
        state.flush(into: &actions)
        for entry in state.jobs.all {
            actions.woken.formUnion(state.update(entry.request.id) { $0.takeWaiters() } ?? [])
        }
        return actions
    }
}
