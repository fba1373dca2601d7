import CeleryProtocol
import Jobs

/// Decides what a worker does with the messages that it holds. A pure state machine: each event returns the actions to
/// take, in order.
struct WorkerMachine {
    enum Phase: Sendable, Hashable {
        case running
        /// Running tasks complete; the rest is requeued.
        case warm
        /// Running tasks are killed.
        case cold
    }

    /// A message whose eta is within this time, in milliseconds, waits here.
    private static let nearness: Int64 = 1000
    /// The maximum of listed postponed tasks.
    private static let postponedLimit = 1000

    private let limits: RunLimits
    private let prefetchMultiplier: Int
    /// A running task's message is handed over after this time; nil is never.
    private let handOverAfter: Duration?
    private let revoked: RevokedTasks

    private(set) var phase = Phase.running
    /// How many tasks run at once.
    private(set) var slots: Int
    private var holdings: [Int: Holding] = [:]
    /// Tasks without a slot, in the order of their arrival.
    private var waiting: [Int] = []
    /// Tasks with a slot, by their ids.
    private var running: [String: Int] = [:]
    /// Tasks that wait elsewhere for their time, for display.
    private(set) var postponed: [String: HeldTask] = [:]
    private var rules: [String: TaskRules] = [:]
    /// How many tasks of each name were begun.
    private(set) var totals: [String: Int] = [:]
    private var processed = 0
    private var lastNumber = 0
    /// How many running tasks' messages are in the vault.
    private var handedOverCount = 0
    private var wake: ContinuousClock.Instant?
    private var isFetching = false
    /// Whether the fetcher waits until messages are wanted.
    private var isFetcherWaiting = false

    init(_ parts: CeleryWorkerParts) {
        let options = parts.options
        slots = max(1, options.concurrency ?? parts.executor.maximumConcurrency)
        prefetchMultiplier = max(1, options.prefetchMultiplier)
        limits = RunLimits(
            soft: options.softTimeLimit.map { $0 / .seconds(1) },
            hard: options.timeLimit.map { $0 / .seconds(1) }
        )
        handOverAfter = parts.vault == nil ? nil : parts.settings.handOver
        revoked = parts.revoked
    }

    /// Whether no slot is free and more work follows what runs now: completions may then be reported in batches, as
    /// faster reports would not start anything earlier.
    var isBusy: Bool {
        phase == .running && running.count >= slots && (waiting.count > slots || isFetching)
    }

    /// How many messages the broker may deliver unsettled. None for a slot whose task's message is in the vault: it
    /// would wait for that long task while other workers are idle.
    var prefetch: Int { max(0, slots - handedOverCount) * prefetchMultiplier }

    var load: WorkerLoad { WorkerLoad(active: running.count, processed: processed) }

    var runningJobs: [JobID] { running.values.compactMap { holdings[$0]?.task.record } }

    func holding(of task: HeldTask) -> Holding? { holdings[task.number] }

    /// The delivery to settle for a task.
    func delivery(of task: HeldTask) -> Delivery { holdings[task.number]?.delivery ?? task.delivery }

    /// Whether a task that has a slot is still to be run; if not, it ends as `interrupted` or `terminated`.
    func mayRun(_ task: HeldTask) -> Bool { holdings[task.number]?.stop == nil }

    /// Whether a task's run has ended, or it was dropped.
    func isEnding(_ task: HeldTask) -> Bool { holdings[task.number]?.stage == .ending }

    /// Tasks, limits and totals.
    ///
    /// - Parameter names: The registered tasks.
    func snapshot(of names: some Sequence<String>, at wall: Int64) -> WorkerSnapshot {
        var snapshot = WorkerSnapshot()
        for holding in holdings.values.sorted(by: { $0.task.number < $1.task.number }) {
            switch holding.stage {
            case .running: snapshot.active.append(holding)
            case .waiting where holding.notBefore != nil: snapshot.scheduled.append(holding)
            case .waiting: snapshot.reserved.append(holding)
            case .ending: break
            }
        }
        snapshot.scheduled += postponed.values.filter { $0.message.eta ?? 0 > wall }
            .sorted { $0.message.eta ?? 0 < $1.message.eta ?? 0 }
            .map { Holding(task: $0, delivery: $0.delivery) }
        snapshot.registered = names.reduce(into: [:]) { $0[$1] = rules[$1] ?? TaskRules() }
        (snapshot.totals, snapshot.prefetchCount) = (totals, prefetch)
        (snapshot.concurrency, snapshot.limits) = (slots, limits)
        return snapshot
    }

    // MARK: Fetching

    /// Whether it is time to fetch messages: a slot is free, or half of the prefetch is done. A busy worker thus
    /// fetches several messages at a time, which costs as much as one.
    private var wantsMessages: Bool {
        phase != .running || running.count < slots || running.count + waiting.count <= prefetch / 2
    }

    /// Begins a fetch if messages are wanted; if not, the fetcher waits to be woken.
    mutating func startFetching() -> Bool {
        isFetching = wantsMessages
        isFetcherWaiting = !isFetching
        return isFetching
    }

    mutating func fetched() { isFetching = false }

    /// Whether the fetcher waits although messages are wanted; true once.
    mutating func wakesFetcher() -> Bool {
        guard isFetcherWaiting, wantsMessages else { return false }
        isFetcherWaiting = false
        return true
    }

    // MARK: Messages

    /// The number of the next message.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// A message arrived whose task can be run here.
    mutating func received(_ task: HeldTask, at time: WorkerTime) -> [WorkerAction] {
        guard phase == .running else { return [.settle(task.delivery, .returned)] }
        if let adopted = adopt(task) { return adopted }
        var holding = Holding(task: task, delivery: task.delivery)
        if let reason = dropReason(task.message, at: time.wall) { return drop(holding, reason) }
        if let eta = task.message.eta, eta > time.wall {
            // A near one waits here: clocks of machines differ, and another round takes time.
            guard eta - time.wall <= Self.nearness else { return postpone(task) }
            holding.notBefore = eta
        }
        postponed[task.id] = nil
        holdings[task.number] = holding
        waiting.append(task.number)
        return startNext(at: time)
    }

    private func dropReason(_ message: TaskMessage, at wall: Int64) -> DropReason? {
        if let expires = message.expires, expires < wall { return .expired }
        return revoked.contains(message.id) ? .revoked : nil
    }

    /// Replaces the delivery of a held message by a newer one: the broker took the older one back after a lost
    /// connection or an expired lease.
    private mutating func adopt(_ task: HeldTask) -> [WorkerAction]? {
        guard task.delivery.isRedelivered,
            let number = running[task.id] ?? waiting.first(where: { holdings[$0]?.task.id == task.id }),
            let old = holdings[number]
        else { return nil }
        if old.isHandedOver { return [.settle(task.delivery, .acknowledged)] }
        holdings[number]?.delivery = task.delivery
        return old.delivery.tag == task.delivery.tag ? [] : [.forget(old.delivery)]
    }

    private mutating func postpone(_ task: HeldTask) -> [WorkerAction] {
        func eta(_ task: HeldTask) -> Int64 { task.message.eta ?? 0 }
        if postponed.count >= Self.postponedLimit,
            let soonest = postponed.min(by: { eta($0.value) < eta($1.value) })?.key
        {
            postponed[soonest] = nil
        }
        postponed[task.id] = task
        return [.settle(task.delivery, .postponed(until: eta(task)))]
    }

    /// A task ends without a run.
    private mutating func drop(_ holding: Holding, _ reason: DropReason) -> [WorkerAction] {
        holdings[holding.task.number] = Holding(task: holding.task, delivery: holding.delivery, stage: .ending)
        if reason == .expired { revoked.insert([holding.task.id]) }
        return [.drop(holding.task, reason)]
    }

    // MARK: Runs

    /// Gives free slots to waiting tasks.
    private mutating func startNext(at time: WorkerTime) -> [WorkerAction] {
        guard phase == .running else { return [] }
        var actions: [WorkerAction] = []
        var place = 0
        while running.count < slots, place < waiting.count {
            guard let holding = holdings[waiting[place]] else {
                waiting.remove(at: place)
                continue
            }
            if let reason = dropReason(holding.task.message, at: time.wall) {
                waiting.remove(at: place)
                actions += drop(holding, reason)
                continue
            }
            switch start(of: holding, at: time) {
            case .now:
                waiting.remove(at: place)
                actions.append(begin(holding.task, at: time))
            case .at(let instant):
                actions += wake(at: instant)
                place += 1
            case .later: place += 1
            }
        }
        return actions
    }

    private enum Start {
        case now
        case at(ContinuousClock.Instant)
        /// When another task has ended.
        case later
    }

    /// When a task may start at the earliest.
    private func start(of holding: Holding, at time: WorkerTime) -> Start {
        if running[holding.task.id] != nil { return .later }
        if let wall = holding.notBefore, wall > time.wall { return .at(time.instant(at: wall)) }
        guard let bucket = rules[holding.task.message.task]?.bucket else { return .now }
        let earliest = bucket.earliest(time.instant)
        return earliest > time.instant ? .at(earliest) : .now
    }

    private mutating func begin(_ task: HeldTask, at time: WorkerTime) -> WorkerAction {
        holdings[task.number]?.stage = .running
        running[task.id] = task.number
        rules[task.message.task]?.bucket?.take(time.instant)
        totals[task.message.task, default: 0] += 1
        processed += 1
        return .begin(task)
    }

    /// A process began a task.
    mutating func started(_ task: HeldTask, process: Int32, at time: WorkerTime) -> [WorkerAction] {
        holdings[task.number]?.process = process
        holdings[task.number]?.started = time.instant
        holdings[task.number]?.startedWall = Double(time.wall) / 1000
        // A stop that preceded the process had no effect.
        if let stop = holdings[task.number]?.stop { return [.stop(task.id, stop.force)] }
        return wakeForNextCheck(task.number)
    }

    /// A running task is to stop. The first reason counts, but any other replaces a time limit.
    mutating func stop(_ number: Int, because reason: StopReason) -> [WorkerAction] {
        guard let holding = holdings[number], holding.stage == .running else { return [] }
        switch (holding.stop, reason) {
        case (nil, _), (.softLimit?, _), (_, .hardLimit): break
        case (_, .coldShutdown), (_, .terminated(9)): return [.stop(holding.task.id, .kill)]
        default: return []
        }
        holdings[number]?.stop = reason
        return [.stop(holding.task.id, reason.force)]
    }

    /// The task of this id is to stop if it runs.
    mutating func stop(_ id: String, because reason: StopReason) -> [WorkerAction] {
        running[id].map { stop($0, because: reason) } ?? []
    }

    /// A run ended, or does not begin. Its slot is free.
    ///
    /// - Returns: how it ended, in view of why it was to stop, and what is to be done.
    mutating func finished(
        _ task: HeldTask,
        _ outcome: WorkerOutcome,
        at time: WorkerTime
    ) -> (end: RunOutcome, actions: [WorkerAction]) {
        let end = RunOutcome(outcome, stoppedBy: holdings[task.number]?.stop)
        holdings[task.number]?.stage = .ending
        running[task.id] = nil
        return (end, freeHandedOver(task) + startNext(at: time))
    }

    /// After the end of a task whose message is in the vault one more message may be held.
    private mutating func freeHandedOver(_ task: HeldTask) -> [WorkerAction] {
        guard holdings[task.number]?.isHandedOver == true else { return [] }
        handedOverCount -= 1
        return [.limit(prefetch: prefetch)]
    }

    /// A task's completion was reported and its message settled.
    mutating func completed(_ number: Int) -> [WorkerAction] {
        holdings[number] = nil
        return drained()
    }

    private func drained() -> [WorkerAction] {
        phase != .running && holdings.isEmpty ? [.drained] : []
    }

    // MARK: Control

    /// The worker is to stop when its running tasks have ended.
    mutating func stopWarm() -> [WorkerAction] {
        guard phase == .running else { return [] }
        phase = .warm
        return [.stopFetching] + returnWaiting() + drained()
    }

    /// The worker is to stop at once.
    mutating func stopCold() -> [WorkerAction] {
        guard phase != .cold else { return [] }
        var actions: [WorkerAction] = phase == .running ? [.stopFetching] : []
        phase = .cold
        actions += returnWaiting()
        for number in running.values.sorted() { actions += stop(number, because: .coldShutdown) }
        return actions + drained()
    }

    private mutating func returnWaiting() -> [WorkerAction] {
        defer { waiting = [] }
        return waiting.compactMap { holdings.removeValue(forKey: $0) }.map { .settle($0.delivery, .returned) }
    }

    /// Tasks were revoked: waiting ones are dropped, running ones go on.
    ///
    /// - Returns: those that are not held.
    mutating func revoke(_ ids: [String]) -> (unknown: [String], actions: [WorkerAction]) {
        var actions: [WorkerAction] = []
        var unknown: [String] = []
        for id in ids {
            let dropped = dropWaiting(id)
            actions += dropped
            if dropped.isEmpty, running[id] == nil { unknown.append(id) }
        }
        return (unknown, actions)
    }

    /// Waiting tasks are dropped, running ones stopped.
    ///
    /// - Returns: those that are held.
    mutating func terminate(_ ids: [String], signal: Int32) -> (known: [String], actions: [WorkerAction]) {
        var actions: [WorkerAction] = []
        var known: [String] = []
        for id in ids {
            let dropped = dropWaiting(id)
            actions += dropped + stop(id, because: .terminated(signal))
            if !dropped.isEmpty || running[id] != nil { known.append(id) }
        }
        return (known, actions)
    }

    private mutating func dropWaiting(_ id: String) -> [WorkerAction] {
        let numbers = waiting.filter { holdings[$0]?.task.id == id }
        waiting.removeAll { numbers.contains($0) }
        return numbers.compactMap { holdings[$0] }.flatMap { drop($0, .revoked) }
    }

    /// Limits how often tasks of a name start; nil removes the limit.
    mutating func setRateLimit(_ limit: RateLimit?, of task: String, at time: WorkerTime) -> [WorkerAction] {
        rules[task, default: TaskRules()].bucket = limit.map(RateBucket.init)
        return startNext(at: time)
    }

    /// Sets the time limits of tasks of a name that start from now on.
    mutating func setTimeLimits(_ limits: RunLimits, of task: String) {
        rules[task, default: TaskRules()].limits = limits
    }

    /// Changes how many tasks run at once.
    mutating func resize(by change: Int, at time: WorkerTime) -> [WorkerAction] {
        slots = max(1, slots + change)
        return [.resize(slots: slots, prefetch: prefetch)] + startNext(at: time)
    }

    // MARK: Time

    /// The time of a `wake` action has come.
    mutating func timePassed(at time: WorkerTime) -> [WorkerAction] {
        wake = nil
        var actions: [WorkerAction] = []
        for number in running.values.sorted() { actions += check(number, at: time) }
        return actions + startNext(at: time)
    }

    /// Schedules a call of `timePassed`, unless an earlier one is scheduled.
    private mutating func wake(at instant: ContinuousClock.Instant) -> [WorkerAction] {
        if let wake, wake <= instant { return [] }
        wake = instant
        return [.wake(instant)]
    }

    /// Schedules the next check of a running task.
    private mutating func wakeForNextCheck(_ number: Int) -> [WorkerAction] {
        guard let holding = holdings[number], let started = holding.started else { return [] }
        var actions: [WorkerAction] = []
        if let next = nextLimit(of: holding) { actions += wake(at: started + .seconds(next.after)) }
        if let handOverAfter, holding.mayBeHandedOver { actions += wake(at: started + handOverAfter) }
        return actions
    }

    private func nextLimit(of holding: Holding) -> (after: Double, reason: StopReason)? {
        switch holding.stop {
        case nil: limits(of: holding.task.message).next(isInterrupted: false)
        case .softLimit: limits(of: holding.task.message).next(isInterrupted: true)
        default: nil
        }
    }

    /// The message's limits, else those of the task's name, else the worker's.
    private func limits(of message: TaskMessage) -> RunLimits {
        let limits = rules[message.task]?.limits ?? limits
        return RunLimits(soft: message.softTimeLimit ?? limits.soft, hard: message.hardTimeLimit ?? limits.hard)
    }

    /// Stops a running task that has reached a limit, and hands over its message when that is due.
    private mutating func check(_ number: Int, at time: WorkerTime) -> [WorkerAction] {
        guard let holding = holdings[number], let started = holding.started else { return [] }
        var actions: [WorkerAction] = []
        if let next = nextLimit(of: holding), started + .seconds(next.after) <= time.instant {
            actions = stop(number, because: next.reason)
        }
        if let handOverAfter, holding.mayBeHandedOver, started + handOverAfter <= time.instant {
            holdings[number]?.custody = .handingOver
            actions.append(.handOver(holding.task, holding.delivery))
        }
        return actions + wakeForNextCheck(number)
    }

    // MARK: Hand over

    /// A message is in the vault, which alone settles it from now on.
    ///
    /// - Returns: what is to be done; nil if the task has ended meanwhile: then the broker settles the message, and the
    ///   vault is to drop its copy.
    mutating func handedOver(_ task: HeldTask, _ delivery: Delivery) -> [WorkerAction]? {
        guard let holding = holdings[task.number], holding.stage == .running else { return nil }
        holdings[task.number]?.custody = .vault
        holdings[task.number]?.delivery = delivery
        handedOverCount += 1
        // It was redelivered meanwhile under another tag.
        let other = holding.delivery.tag == delivery.tag ? [] : [holding.delivery]
        // The limit comes first: else the broker delivers one more message, which cannot run here.
        return [.limit(prefetch: prefetch)] + (other + [delivery]).map { .settle($0, .acknowledged) }
    }

    /// A message could not be copied to the vault: it is tried again.
    mutating func handOverFailed(_ task: HeldTask) -> [WorkerAction] {
        guard let holding = holdings[task.number], holding.stage == .running else { return [] }
        holdings[task.number]?.custody = .unsure
        return wakeForNextCheck(task.number)
    }
}
