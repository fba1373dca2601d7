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
