import DashJSON
import HeapModule

/// The state of an embedded manager, without any input or output: takes events, applies the transitions of `JobRules`, and
/// returns actions.
///
/// A completion is persisted before it is published; so is a start of an attempt before it is executed.
struct JobEngine: Sendable {
    let rules: JobRules
    /// The most jobs that run at once.
    let maximumRunning: Int

    var jobs: [JobID: JobEntry] = [:]
    var queue = Heap<QueuePlace>()
    var deadlines = Heap<Deadline>()
    /// The deadline the driver has been told to wake for.
    var armed: Duration?
    var finished = FinishedJobs()
    /// The jobs that are not finished and are to keep their result, by its key.
    var sharedRuns: [CacheKey: SharedRun] = [:]
    /// How many sharedRuns have ended so far.
    var completedRuns = 0

    /// Jobs whose status or changes are newer than the store's.
    var dirty: Set<JobID> = []
    /// Jobs that the store may hold though their insertion failed.
    var removals: Set<JobID> = []
    var isFlushPlanned = false
    /// When the store is pruned next, if that is planned.
    var plannedPruning: Duration?
    var isAbandonmentPlanned = false

    var waitingCount = 0
    var runningCount = 0
    var unfinishedOfOwner: [String: Int] = [:]
    /// What the payloads and details of all unfinished jobs take.
    var unfinishedBytes = 0
    var lastTicket = 0
    /// Whether attempts may begin: from the opening to the stop.
    var isDispatching = false
    /// No attempt begins before this time, because the store could not write the last beginnings.
    var pausedUntil = Duration.zero

    init(configuration: JobManagerConfiguration, maximumRunning: Int) {
        rules = JobRules(configuration)
        self.maximumRunning = max(1, maximumRunning)
    }

    var configuration: JobManagerConfiguration { rules.limits }

    var statistics: JobStatistics {
        let scheduled = jobs.values.count { $0.status.state == .scheduled }
        return JobStatistics(
            queued: waitingCount - scheduled,
            scheduled: scheduled,
            running: runningCount,
            finished: finished.count,
            maximumRunning: maximumRunning
        )
    }
}

/// A job's place among those that wait for a worker.
struct QueuePlace: Comparable, Sendable {
    var priority: Int
    var ticket: Int
    var id: JobID

    static func < (left: QueuePlace, right: QueuePlace) -> Bool {
        left.priority == right.priority ? left.ticket < right.ticket : left.priority > right.priority
    }
}

/// Something to look at when a time has come.
struct Deadline: Comparable, Sendable {
    enum Matter: Hashable, Sendable {
        /// Jobs may be abandoned.
        case abandonment
        /// A scheduled job is due.
        case due(JobID)
        case flush
        case pruning
        /// Attempts may begin again after the store failed.
        case unpausing
    }

    var time: Duration
    var matter: Matter

    static func < (left: Deadline, right: Deadline) -> Bool { left.time < right.time }
}

// MARK: - Start

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

// MARK: - Dispatch

extension JobEngine {
    /// Lets attempts begin, as many as there is room for. The executor is told when that is written.
    mutating func dispatch(at now: JobTime, into actions: inout JobActions) {
        while mayBegin(at: now), let place = queue.popMin() {
            guard let entry = jobs[place.id], entry.status.state == .queued, entry.ending == nil
            else { continue }
            apply(beginning(of: entry), at: now, into: &actions)
            appendUpdate(of: place.id, withChanges: entry.status.attempt > 0, to: &actions)
            actions.steps.append(.started(place.id))
        }
    }

    /// Whether there is room for another attempt.
    func mayBegin(at now: JobTime) -> Bool {
        isDispatching && runningCount < maximumRunning && pausedUntil <= now.monotonic
    }

    func beginning(of entry: JobEntry) -> JobTransition? {
        rules.begin(entry.facts, fence: "\(entry.status.attempt + 1)", version: .any)
    }

    /// The beginning of an attempt is written: it is executed, unless it was cancelled meanwhile or everything stops.
    mutating func started(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        if entry.status.state == .cancelling {
            apply(rules.putBack(entry.facts), at: now, into: &actions)
        } else if isDispatching {
            entry.isExecuting = true
            jobs[id] = entry
            let task = WorkerTask(id: entry.taskID, name: entry.request.name, payload: entry.request.payload)
            actions.executions.append(JobExecution(id: id, attempt: entry.status.attempt, task: task))
        }
    }

    /// The beginning of an attempt could not be written: the job waits for its turn again, and all wait a little.
    mutating func startFailed(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.isUnderWay, !entry.isExecuting else { return }
        apply(rules.putBack(entry.facts), at: now, into: &actions)
        guard entry.status.state == .running else { return }
        pausedUntil = now.monotonic + configuration.storageRetryDelay
        plan(.unpausing, at: pausedUntil)
    }
}

// MARK: - Transitions

extension JobEngine {
    /// Applies a transition of `JobRules` in memory and notes what is to be written.
    ///
    /// The engine holds the truth about its jobs, so the guards about a job hold by themselves: the rules were asked with what
    /// is in memory. Those about limits and keys are looked at by a start.
    mutating func apply(_ transition: JobTransition?, at now: JobTime, into actions: inout JobActions) {
        guard let transition else { return }
        for change in transition.changes { apply(change, to: transition.id, at: now, into: &actions) }
    }

    private mutating func apply(
        _ change: JobChange,
        to id: JobID,
        at now: JobTime,
        into actions: inout JobActions
    ) {
        switch change {
        case .queue: wait(id, for: .zero, at: now)
        case .schedule(let delay): wait(id, for: delay, at: now)
        case .beginAttempt: beginAttempt(id, at: now)
        case .countFailure: jobs[id]?.status.failures += 1
        case .countInterruption: jobs[id]?.status.interruptions += 1
        case .merge(let progress, let props): takeIn(progress, props, of: id, into: &actions)
        case .requestStop(let reason): requestStop(id, reason: reason, into: &actions)
        case .stopAttempt(let failure): stopAttempt(id, failure, into: &actions)
        case .finish(let end): finish(id, end, at: now, into: &actions)
        case .cacheResult(let cache):
            guard let result = jobs[id]?.ending?.result else { return }
            actions.changes.append(.cache(cache, result, now.wall))
        case .lead(let key): lead(key, by: id)
        case .follow(let key): follow(key, by: id)
        case .unfollow: jobs[id]?.isFollowing = false
        case .notify: notify(id, into: &actions)
        // A start makes the entry; followers are seen to when the end is written; messages are for queues.
        case .create, .release, .resend, .remove: break
        }
    }

    /// Makes a running job wait for a time, or for its turn if that is zero.
    private mutating func wait(_ id: JobID, for delay: Duration, at now: JobTime) {
        // One that is being written takes its place when it is.
        guard var entry = jobs[id], entry.isInserted else { return }
        count(entry, by: -1)
        entry.status.state = delay > .zero ? .scheduled : .queued
        entry.status.due = delay > .zero ? now.wall + delay : nil
        entry.status.revision += 1
        entry.isExecuting = false
        count(entry, by: 1)
        jobs[id] = entry
        if delay > .zero {
            plan(.due(id), at: now.monotonic + delay)
        } else {
            enqueue(entry, at: now)
        }
        markDirty(id, at: now)
    }

    /// What an earlier attempt sent does not count any more.
    private mutating func beginAttempt(_ id: JobID, at now: JobTime) {
        guard var entry = jobs[id] else { return }
        count(entry, by: -1)
        entry.status.state = .running
        entry.status.attempt += 1
        entry.status.started = now.wall
        entry.status.due = nil
        entry.status.revision += 1
        entry.changes = JobChanges()
        entry.stopFailure = nil
        count(entry, by: 1)
        jobs[id] = entry
    }

    private mutating func takeIn(
        _ progress: [PropertyValue],
        _ props: [PropertyValue],
        of id: JobID,
        into actions: inout JobActions
    ) {
        actions.woken.formUnion(jobs[id]?.takeIn(progress, as: .progress) ?? [])
        actions.woken.formUnion(jobs[id]?.takeIn(props, as: .props) ?? [])
        guard let entry = jobs[id], entry.changes.bytes > configuration.maximumChangesBytes else { return }
        jobs[id]?.changes.dropPatches(through: entry.status.delivery?.from ?? 0)
    }

    private mutating func requestStop(_ id: JobID, reason: String, into actions: inout JobActions) {
        guard var entry = jobs[id] else { return }
        entry.status.state = .cancelling
        entry.status.endReason = reason
        if entry.isExecuting { actions.stopped.append(entry.taskID) }
        jobs[id] = entry
    }

    private mutating func stopAttempt(_ id: JobID, _ failure: JobFailure, into actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        jobs[id]?.stopFailure = failure
        jobs[id]?.changes = JobChanges()
        actions.stopped.append(entry.taskID)
    }

    /// Prepares an end. It is published when it is written; see ``ended(_:at:into:)``.
    private mutating func finish(_ id: JobID, _ end: JobEnd, at now: JobTime, into actions: inout JobActions) {
        guard var entry = jobs[id], entry.ending == nil, !entry.status.state.isFinished else { return }
        count(entry, by: -1)
        var ending = entry.status
        ending.state = end.state
        ending.endReason = end.reason ?? ending.endReason
        ending.failure = end.failure
        ending.result =
            switch end.result {
            case .none: nil
            case .value(let result): result
            case .cached, .of: entry.sharedEnd?.result
            }
        ending.finished = now.wall
        ending.due = nil
        ending.sequence += 1
        ending.revision += 1
        entry.ending = ending
        jobs[id] = entry
        dirty.remove(id)
        actions.changes.append(.update(id, ending, entry.changes))
        actions.steps.append(.ended(id))
    }

    /// Wakes those who wait at once, and has the store know soon: the server may come down. An end wakes them when written.
    private mutating func notify(_ id: JobID, into actions: inout JobActions) {
        guard let entry = jobs[id], entry.ending == nil else { return }
        jobs[id]?.status.sequence += 1
        jobs[id]?.status.revision += 1
        actions.woken.formUnion(jobs[id]?.takeWaiters() ?? [])
        dirty.remove(id)
        appendUpdate(of: id, withChanges: false, to: &actions)
        actions.steps.append(.flushed(id))
    }

    func appendUpdate(of id: JobID, withChanges: Bool, to actions: inout JobActions) {
        guard let entry = jobs[id] else { return }
        actions.changes.append(.update(id, entry.status, withChanges ? entry.changes : nil))
    }
}

extension JobEntry {
    /// What the rules read of the job.
    var facts: JobFacts {
        var facts = JobFacts(request)
        facts.state = status.state
        facts.attempt = status.attempt
        facts.fence = isUnderWay ? "\(status.attempt)" : nil
        facts.failures = status.failures
        facts.interruptions = status.interruptions
        facts.isFollowing = isFollowing
        facts.stop = stopFailure
        return facts
    }
}

// MARK: - Cancel

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
