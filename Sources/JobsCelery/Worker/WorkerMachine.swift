import Jobs

/// Decides what a worker does with the messages that it holds. It does nothing itself: every event gives the actions to
/// take, in order.
struct WorkerMachine {
    /// Where the worker is in its life.
    enum Phase: Sendable, Hashable {
        case running
        /// What runs ends; the rest goes back.
        case warm
        /// Nothing runs on.
        case cold
    }

    /// An eta that is nearer, in milliseconds, is waited for here.
    static let nearness: Int64 = 1000
    /// So many tasks that wait for their time are remembered, for whoever asks.
    static let postponedKept = 1000

    let limits: RunLimits
    let prefetchMultiplier: Int
    /// After this time a running task's message is handed over; nil is never.
    let handOverAfter: Duration?
    let revoked: RevokedTasks

    var phase = Phase.running
    /// How many tasks run at once.
    var slots: Int
    var holdings: [Int: Holding] = [:]
    /// Those that wait, in the order of their arrival.
    var waiting: [Int] = []
    /// Those that have a slot, by the ids of their tasks.
    var running: [String: Int] = [:]
    /// Those that wait for their time in another place, for display.
    var postponed: [String: HeldTask] = [:]
    var rules: [String: TaskRules] = [:]
    /// How many tasks of each name were begun.
    var totals: [String: Int] = [:]
    var processed = 0
    var lastNumber = 0
    /// How many running tasks' messages are kept elsewhere.
    var keptElsewhere = 0
    var wake: ContinuousClock.Instant?
    /// Whether messages are being fetched.
    var isFetching = false
    /// Whether somebody waits until messages are wanted.
    var isFetcherWaiting = false

    init(
        slots: Int,
        prefetchMultiplier: Int = 1,
        limits: RunLimits = RunLimits(),
        handOverAfter: Duration? = nil,
        revoked: RevokedTasks
    ) {
        self.slots = max(1, slots)
        self.prefetchMultiplier = max(1, prefetchMultiplier)
        self.limits = limits
        self.handOverAfter = handOverAfter
        self.revoked = revoked
    }

    /// Whether it is time to fetch messages: a slot is free, or half of what may be held is done. Not for each single one, as
    /// a busy worker fetches several as fast as one.
    var wantsMessages: Bool {
        phase != .running || running.count < slots || running.count + waiting.count <= prefetch / 2
    }

    /// Whether no slot is free and there will be more to do after what runs now: then ends may be told together, as being
    /// quick to tell would not make anything start earlier.
    var isBusy: Bool {
        phase == .running && running.count >= slots && (waiting.count > slots || isFetching)
    }

    /// How many messages of the broker's may be held at once. None for a slot whose task's message is kept elsewhere: it
    /// would wait here for that long task while other workers have nothing to do.
    var prefetch: Int { max(0, slots - keptElsewhere) * prefetchMultiplier }

    /// The number of the next message.
    mutating func nextNumber() -> Int {
        lastNumber += 1
        return lastNumber
    }

    /// What of a task was told, and its message settled.
    mutating func ended(_ number: Int) -> [WorkerAction] {
        holdings[number] = nil
        return drained()
    }

    func drained() -> [WorkerAction] {
        phase != .running && holdings.isEmpty ? [.drained] : []
    }

    /// The delivery to settle for a task.
    func delivery(of task: HeldTask) -> Delivery { holdings[task.number]?.delivery ?? task.delivery }
}

/// What a worker has to do after something happened.
enum WorkerAction: Sendable {
    /// Run a task that has a slot now.
    case begin(HeldTask)
    /// Tell the end of a task that is not run.
    case drop(HeldTask, Delivery, DropReason)
    /// Settle a delivery that is none of a held task any more.
    case settle(Delivery, Settlement)
    /// Forget a delivery whose message came again with another one.
    case forget(Delivery)
    /// Stop a running task.
    case stop(String, StopForce)
    /// Keep the message in another place and acknowledge it.
    case handOver(HeldTask, Delivery)
    /// Call the machine's `timePassed` at this time.
    case wake(ContinuousClock.Instant)
    /// Run so many tasks at once, and hold so many messages.
    case resize(slots: Int, prefetch: Int)
    /// Hold so many messages at once.
    case limit(prefetch: Int)
    case stopFetching
    /// Nothing is held any more, and nothing will be.
    case drained
}

/// Why a task is not run.
enum DropReason: Sendable, Hashable {
    case revoked
    case expired
}

/// When something happens: by the clock for waits and by that for times in messages.
struct WorkerTime: Sendable {
    var instant: ContinuousClock.Instant
    /// Milliseconds since 1970.
    var wall: Int64

    /// The instant at which a time of day will have come.
    func instant(at wall: Int64) -> ContinuousClock.Instant {
        instant + .milliseconds(wall - self.wall)
    }
}

// Messages come.
extension WorkerMachine {
    /// A message came whose task can be run here.
    mutating func received(_ task: HeldTask, at time: WorkerTime) -> [WorkerAction] {
        guard phase == .running else { return [.settle(task.delivery, .returned)] }
        if let adopted = adopt(task) { return adopted }
        if let reason = dropReason(task.message, at: time.wall) { return drop(task, task.delivery, reason) }
        var holding = Holding(task: task, delivery: task.delivery)
        if let eta = task.message.eta, eta > time.wall {
            // A near one is waited for here: clocks of machines differ, and another round takes its time.
            guard eta - time.wall <= Self.nearness else { return postpone(task, until: eta) }
            holding.notBefore = eta
        }
        postponed[task.id] = nil
        holdings[task.number] = holding
        waiting.append(task.number)
        return startNext(at: time)
    }

    /// Why a task is not to be run, if so.
    func dropReason(_ message: TaskMessage, at wall: Int64) -> DropReason? {
        if let expires = message.expires, expires < wall { return .expired }
        return revoked.contains(message.id) || revoked.matches(stamps: message.stamps) ? .revoked : nil
    }

    /// Takes a delivery in the place of an older one of the same message, which the broker has taken back: its connection
    /// was cut, or a lease was over.
    private mutating func adopt(_ task: HeldTask) -> [WorkerAction]? {
        guard task.delivery.isRedelivered,
            let number = running[task.id] ?? waiting.first(where: { holdings[$0]?.task.id == task.id }),
            let old = holdings[number]
        else { return nil }
        holdings[number]?.delivery = task.delivery
        if old.isHandedOver {
            holdings[number]?.delivery = old.delivery
            return [.settle(task.delivery, .acknowledged)]
        }
        return old.delivery.tag == task.delivery.tag ? [] : [.forget(old.delivery)]
    }

    private mutating func postpone(_ task: HeldTask, until eta: Int64) -> [WorkerAction] {
        if postponed.count >= Self.postponedKept, let soonest = postponed.min(by: Self.isSooner)?.key {
            postponed[soonest] = nil
        }
        postponed[task.id] = task
        return [.settle(task.delivery, .postponed(until: eta))]
    }

    private static func isSooner(_ left: (String, HeldTask), _ right: (String, HeldTask)) -> Bool {
        (left.1.message.eta ?? 0) < (right.1.message.eta ?? 0)
    }

    /// A task ends without having been run.
    mutating func drop(_ task: HeldTask, _ delivery: Delivery, _ reason: DropReason) -> [WorkerAction] {
        holdings[task.number] = Holding(task: task, delivery: delivery, stage: .ending)
        if reason == .expired { revoked.insert([task.id]) }
        return [.drop(task, delivery, reason)]
    }
}

// Tasks run.
extension WorkerMachine {
    /// Gives free slots to those that wait.
    mutating func startNext(at time: WorkerTime) -> [WorkerAction] {
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
                actions += drop(holding.task, holding.delivery, reason)
            } else if let earliest = earliest(holding, at: time) {
                if earliest != .later { actions += wake(at: earliest.instant) }
                place += 1
            } else {
                waiting.remove(at: place)
                actions.append(begin(holding.task, at: time))
            }
        }
        return actions
    }

    private enum Earliest: Equatable {
        case at(ContinuousClock.Instant)
        /// When another task has ended.
        case later

        var instant: ContinuousClock.Instant {
            if case .at(let instant) = self { instant } else { .now }
        }
    }

    /// When it may start at the earliest; nil is now.
    private func earliest(_ holding: Holding, at time: WorkerTime) -> Earliest? {
        if running[holding.task.id] != nil { return .later }
        if let wall = holding.notBefore, wall > time.wall { return .at(time.instant(at: wall)) }
        guard let bucket = rules[holding.task.message.task]?.bucket else { return nil }
        let earliest = bucket.earliest(time.instant)
        return earliest > time.instant ? .at(earliest) : nil
    }

    private mutating func begin(_ task: HeldTask, at time: WorkerTime) -> WorkerAction {
        holdings[task.number]?.stage = .running
        running[task.id] = task.number
        rules[task.message.task]?.bucket?.take(time.instant)
        totals[task.message.task, default: 0] += 1
        processed += 1
        return .begin(task)
    }

    /// Whether a task that has a slot is still to be run: its end is `interrupted` or `terminated` if not.
    func mayRun(_ task: HeldTask) -> Bool { holdings[task.number]?.stop == nil }

    /// A process has begun a task.
    mutating func started(_ task: HeldTask, process: Int32, at time: WorkerTime) -> [WorkerAction] {
        holdings[task.number]?.process = process
        holdings[task.number]?.started = time.instant
        holdings[task.number]?.startedWall = time.wall
        // What was to stop it may have come before there was anything to stop.
        if let stop = holdings[task.number]?.stop { return [.stop(task.id, stop.force)] }
        return wakeForLimits(task.number)
    }

    /// A running task is to stop. The first reason counts, but time limits give way to every other.
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

    /// A task has run to an end. Its slot is free.
    ///
    /// - Returns: what the end means, and what is to be done meanwhile.
    mutating func finished(
        _ task: HeldTask,
        _ outcome: WorkerOutcome,
        at time: WorkerTime
    ) -> (end: RunOutcome, actions: [WorkerAction]) {
        let reason = holdings[task.number]?.stop
        holdings[task.number]?.stage = .ending
        running[task.id] = nil
        return (Self.end(outcome, reason), taken(from: task) + startNext(at: time))
    }

    /// The slot of a task whose message is kept elsewhere is free: one more message may come for it.
    private mutating func taken(from task: HeldTask) -> [WorkerAction] {
        guard holdings[task.number]?.isHandedOver == true else { return [] }
        keptElsewhere -= 1
        return [.limit(prefetch: prefetch)]
    }

    private static func end(_ outcome: WorkerOutcome, _ reason: StopReason?) -> RunOutcome {
        switch (outcome, reason) {
        case (.shutDown, _): .interrupted
        // What was done in spite of all is done.
        case (.succeeded, _), (.failed, nil), (.failed, .softLimit): .outcome(outcome)
        case (_, .softLimit(let seconds)?): .softLimit(seconds)
        case (_, .hardLimit(let seconds)?): .hardLimit(seconds)
        case (_, .terminated(let signal)?): .terminated(signal)
        case (_, .coldShutdown?): .interrupted
        case (_, .standing(let standing)?): .standing(standing)
        case (.cancelled, nil): .terminated(15)
        }
    }
}

// What people and signals ask for.
extension WorkerMachine {
    /// The worker is to stop when what runs has ended.
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

    /// Tasks were revoked: those that wait end so, those that run go on.
    ///
    /// - Returns: those that are not here.
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

    /// Tasks are to end.
    ///
    /// - Returns: those that are here.
    mutating func terminate(_ ids: [String], signal: Int32) -> (known: [String], actions: [WorkerAction]) {
        var actions: [WorkerAction] = []
        var known: [String] = []
        for id in ids {
            let dropped = dropWaiting(id)
            actions += dropped
            if let number = running[id] { actions += stop(number, because: .terminated(signal)) }
            if !dropped.isEmpty || running[id] != nil { known.append(id) }
        }
        return (known, actions)
    }

    private mutating func dropWaiting(_ id: String) -> [WorkerAction] {
        let numbers = waiting.filter { holdings[$0]?.task.id == id }
        waiting.removeAll { numbers.contains($0) }
        return numbers.compactMap { holdings[$0] }.flatMap { drop($0.task, $0.delivery, .revoked) }
    }

    /// Tasks of a name start only so often; nil takes the limit away.
    mutating func setRateLimit(_ limit: RateLimit?, of task: String, at time: WorkerTime) -> [WorkerAction] {
        rules[task, default: TaskRules()].bucket = limit.map(RateBucket.init)
        return startNext(at: time)
    }

    /// Tasks of a name that start from now on have these limits (seconds).
    mutating func setTimeLimit(soft: Double?, hard: Double?, of task: String) {
        var rule = rules[task] ?? TaskRules()
        (rule.hasOwnLimits, rule.softLimit, rule.hardLimit) = (true, soft, hard)
        rules[task] = rule
    }

    /// So many tasks more, or less, run at once.
    mutating func resize(by change: Int, at time: WorkerTime) -> [WorkerAction] {
        slots = max(1, slots + change)
        return [.resize(slots: slots, prefetch: prefetch)] + startNext(at: time)
    }
}

// Time passes: limits, rates, near etas.
extension WorkerMachine {
    /// A time that was waited for has come.
    mutating func timePassed(at time: WorkerTime) -> [WorkerAction] {
        wake = nil
        var actions: [WorkerAction] = []
        for number in running.values.sorted() {
            actions += limit(number, at: time)
            actions += handOver(number, at: time)
        }
        return actions + startNext(at: time)
    }

    /// Says once when to be called, unless it will be before anyway.
    mutating func wake(at instant: ContinuousClock.Instant) -> [WorkerAction] {
        if let wake, wake <= instant { return [] }
        wake = instant
        return [.wake(instant)]
    }

    /// Says when to look at a running task next.
    mutating func wakeForLimits(_ number: Int) -> [WorkerAction] {
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
    func limits(of message: TaskMessage) -> RunLimits {
        let named = rules[message.task].flatMap { $0.hasOwnLimits ? $0 : nil }
        return RunLimits(
            soft: message.softTimeLimit ?? (named != nil ? named?.softLimit : limits.soft),
            hard: message.hardTimeLimit ?? (named != nil ? named?.hardLimit : limits.hard)
        )
    }

    private mutating func limit(_ number: Int, at time: WorkerTime) -> [WorkerAction] {
        guard let holding = holdings[number], let started = holding.started, let next = nextLimit(of: holding)
        else { return [] }
        guard started + .seconds(next.after) <= time.instant else { return wakeForLimits(number) }
        return stop(number, because: next.reason) + wakeForLimits(number)
    }

    private mutating func handOver(_ number: Int, at time: WorkerTime) -> [WorkerAction] {
        guard let handOverAfter, let holding = holdings[number], holding.mayBeHandedOver,
            let started = holding.started
        else { return [] }
        guard started + handOverAfter <= time.instant else { return wake(at: started + handOverAfter) }
        holdings[number]?.keeping = .handingOver
        return [.handOver(holding.task, holding.delivery)]
    }
}

extension Holding {
    fileprivate var mayBeHandedOver: Bool { keeping == .broker || keeping == .unsure }
}

extension WorkerMachine {
    /// A message is kept elsewhere, and its task runs on: from now on only the keeper has a say.
    ///
    /// - Returns: what is to be done; nil if the task has ended meanwhile: the broker settles the message then, and the
    ///   keeper is to forget it.
    mutating func handedOver(_ task: HeldTask, _ delivery: Delivery) -> [WorkerAction]? {
        guard let holding = holdings[task.number], holding.stage == .running else { return nil }
        holdings[task.number]?.keeping = .keeper
        holdings[task.number]?.delivery = delivery
        keptElsewhere += 1
        // It came again meanwhile under another name; that one is not needed.
        let other = holding.delivery.tag == delivery.tag ? [] : [holding.delivery]
        // First fewer are wanted, then it is acknowledged: else the broker gives one more, which nobody here can run.
        return [.limit(prefetch: prefetch)] + (other + [delivery]).map { .settle($0, .acknowledged) }
    }

    /// A message could not be kept elsewhere: it is tried again at the next occasion.
    mutating func handOverFailed(_ task: HeldTask) -> [WorkerAction] {
        guard let holding = holdings[task.number], holding.stage == .running else { return [] }
        holdings[task.number]?.keeping = .unsure
        return wakeForLimits(task.number)
    }
}
