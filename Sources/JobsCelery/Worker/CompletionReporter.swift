import DashJSON
import Logging
import NIOCore
import Support
import Synchronization

/// Tells how tasks ended: stores results, then settles their messages, then tells events. What comes while it waits for an
/// answer, or what ``CompletionBatch`` keeps for a moment, is done together in one go.
final class CompletionReporter: Sendable {
    private struct State {
        var ends = CompletionBatch()
        var isFinished = false
        /// After this time what could not be stored is given up.
        var deadline: ContinuousClock.Instant?
    }

    private let results: any ResultStore
    private let consumer: any CeleryConsumer
    /// Where results and messages are on one Redis.
    private let express: RedisBatchAck?
    private let events: any WorkerEvents
    let logger: Logger
    /// Keeps the time of those that wait for others.
    private let loop: any EventLoop
    private let state = Mutex(State())
    private let added = AsyncSignal()

    init(_ parts: CeleryWorkerParts, _ consumer: any CeleryConsumer, _ loop: any EventLoop) {
        results = parts.results
        self.consumer = consumer
        express = consumer.express(to: parts.results)
        events = parts.events
        logger = parts.logger
        self.loop = loop
    }

    /// Tells something when its turn comes. What is told of one task keeps its order.
    func add(_ end: TaskCompletion) {
        switch state.withLock({ $0.ends.add(end) }) {
        case .nothing: break
        case .tell: added.signal()
        case .tellLater:
            loop.scheduleTask(in: .milliseconds(CompletionBatch.patience)) { [self] in
                if state.withLock({ $0.ends.timePassed() }) { added.signal() }
            }
        }
    }

    /// Stores the meta of an end, after what was told of the task before, and waits until that is done.
    func store(_ end: TaskCompletion) async {
        guard let meta = end.meta else { return }
        await withCheckedContinuation { continuation in
            var storing = TaskCompletion(end.delivery, nil, meta: meta)
            storing.stored = continuation
            add(storing)
        }
    }

    /// Nothing more comes: ``run(onEnd:)`` returns when all is told.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            state.ends.hurry()
        }
        added.signal()
    }

    /// From now on there is only so much time.
    func hurry(patience: Duration) {
        state.withLock { $0.deadline = $0.deadline ?? .now + patience }
    }

    /// Whether what was not told so far is given up.
    var isPastDeadline: Bool { state.withLock { $0.deadline.map { $0 < .now } ?? false } }

    /// Tells what there is to tell, until the end.
    ///
    /// - Parameter onEnd: Called with the number of each held task that is done with.
    func run(onEnd: @Sendable (Int) -> Void) async {
        // Cancellation is no reason to leave something untold: `finish` ends this.
        while await added.wait() {
            while case let ends = state.withLock({ $0.ends.take() }), !ends.isEmpty { await tell(ends, onEnd) }
            if state.withLock({ $0.isFinished && $0.ends.isEmpty }) { return }
        }
    }

    private func tell(_ ends: [TaskCompletion], _ onEnd: @Sendable (Int) -> Void) async {
        if let rest = await store(ends) { await settle(rest) }
        for end in ends {
            end.stored?.resume()
            if let event = end.event { events.tell(event()) }
            if let number = end.number { onEnd(number) }
        }
    }

    private func settle(_ ends: [TaskCompletion]) async {
        var settlements: [(delivery: Delivery, settlement: Settlement)] = []
        for end in ends where end.keeper == nil || !end.isKeptForSure {
            if let settlement = end.settlement { settlements.append((end.delivery, settlement)) }
        }
        if !settlements.isEmpty { await consumer.settle(settlements) }
        for end in ends where end.keeper != nil { await release(end) }
    }

    /// Stores results, however long that takes.
    ///
    /// - Returns: the ends whose messages are to be settled; nil if it was given up: the messages must stay as they are
    ///   then, so that the tasks run again.
    private func store(_ ends: [TaskCompletion]) async -> [TaskCompletion]? {
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        while true {
            do {
                if let express { return try await express.tell(ends) }
                let metas = ends.compactMap(\.meta)
                if !metas.isEmpty { try await results.store(metas) }
                return ends
            } catch {
                logger.error("Results could not be stored.", metadata: ["count": "\(ends.count)", "error": "\(error)"])
            }
            if isPastDeadline { return nil }
            await pause(backoff.next())
        }
    }
}

/// A back-off, which no cancellation shortens: a task that is cancelled would try without a pause.
func pause(_ wait: Duration) async {
    await Task { try? await Task.sleep(for: wait) }.value
}

// MARK: - WorkerThread

extension CompletionReporter {
    /// Has a message's keeper settle it, however long that takes: what is still kept when this worker is gone is given back
    /// by others, and its task, though it has ended, runs again.
    func release(_ end: TaskCompletion) async {
        guard let keeper = end.keeper, let settlement = end.settlement else { return }
        var backoff = Backoff(first: .milliseconds(50), longest: .seconds(2))
        while true {
            do {
                return try await keeper.release(end.delivery, as: end.isKeptForSure ? settlement : .acknowledged)
            } catch {
                logger.error("A long task's message could not be forgotten yet.", metadata: ["error": "\(error)"])
            }
            if isPastDeadline { return }
            await pause(backoff.next())
        }
    }
}

/// How a task ended, or what a running one tells, as far as others are told.
struct TaskCompletion: Sendable {
    /// The held task whose end it is.
    var number: Int?
    /// What is stored; nil is nothing.
    var meta: ResultMeta?
    var delivery: Delivery
    /// What becomes of the message; nil leaves it as it is: the task runs on, or it was settled by other means.
    var settlement: Settlement?
    /// Who settles the message, when it is not the broker's any more.
    var keeper: (any DeliveryVault)?
    /// Whether the keeper has the message. If that is not known the broker settles it, and the keeper only forgets it.
    var isKeptForSure = true
    /// Who waits until it is stored.
    var stored: CheckedContinuation<Void, Never>?
    /// Whether it may wait a moment for others, as the worker has more to do than it can.
    var mayWait = false
    /// What is told to those who listen, when the rest is done.
    var event: (@Sendable () -> TaskEvent)?

    init(
        _ delivery: Delivery,
        _ settlement: Settlement?,
        number: Int? = nil,
        meta: ResultMeta? = nil,
        keeper: (any DeliveryVault)? = nil,
        event: (@Sendable () -> TaskEvent)? = nil
    ) {
        self.number = number
        self.meta = meta
        self.delivery = delivery
        self.settlement = settlement
        self.event = event
        self.keeper = keeper
    }
}

/// The ends of tasks that are to be told: a value without I/O.
///
/// A worker that has more to do than it can says much with few words: there an end waits for others, for a moment. All else
/// is told at once, and takes along what waits.
struct CompletionBatch {
    /// What is to follow from an addition.
    enum Next: Hashable {
        /// Others have seen to it, or will.
        case nothing
        /// They are to be told.
        case tell
        /// They are to be told after ``patience``.
        case tellLater
    }

    /// An end waits no longer than so many milliseconds for others.
    static let patience: Int64 = 1
    /// So many wait for no more.
    static let most = 32

    private var ends: [TaskCompletion] = []
    private(set) var isDue = false
    private var isAwaited = false

    var isEmpty: Bool { ends.isEmpty }

    mutating func add(_ end: TaskCompletion) -> Next {
        ends.append(end)
        if end.mayWait, ends.count < Self.most {
            guard !isDue, !isAwaited else { return .nothing }
            isAwaited = true
            return .tellLater
        }
        defer { isDue = true }
        return isDue ? .nothing : .tell
    }

    /// The patience is over: gives whether there is something to tell that nobody has seen to.
    mutating func timePassed() -> Bool {
        isAwaited = false
        guard !ends.isEmpty, !isDue else { return false }
        isDue = true
        return true
    }

    /// Takes all, in their order, if it is time.
    mutating func take() -> [TaskCompletion] {
        guard isDue else { return [] }
        isDue = false
        defer { ends = [] }
        return ends
    }

    /// Nothing waits any more.
    mutating func hurry() { isDue = true }
}

/// Tells the ends of tasks where results and messages are on the same Redis: the results of many tasks and their
/// acknowledgements are one script.
struct RedisBatchAck: Sendable {
    private let results: RedisResults
    private let consumer: RedisConsumer

    /// So many ends are one script: Lua's functions take only so many arguments.
    private static let mostAtOnce = 500

    /// Keys: `unacked`, its index, holders, then those of metas. Arguments: the worker, the seconds a meta is kept, how
    /// many there are, those, then the tags of what is acknowledged.
    private static let storeAndAcknowledge = RedisScript(
        "store results and acknowledge",
        ResultScripts.storeFunction + BrokerScripts.releaseAll
            + """
            local metas = tonumber(ARGV[3])
            for place = 1, metas do store_meta(KEYS[3 + place], ARGV[3 + place], ARGV[2]) end
            local tags = {}
            for place = 4 + metas, #ARGV do tags[#tags + 1] = ARGV[place] end
            if #tags > 0 then dash_release_all(KEYS[1], KEYS[2], KEYS[3], ARGV[1], tags) end
            """
    )

    /// Results and messages must be on the same Redis.
    fileprivate init(results: RedisResults, consumer: RedisConsumer) {
        self.results = results
        self.consumer = consumer
    }

    /// Stores in the order of the ends, and acknowledges. What is neither is left.
    ///
    /// - Returns: the ends whose messages are still to be settled.
    /// - Throws: when not all could be done; all may be told again then.
    func tell(_ ends: [TaskCompletion]) async throws -> [TaskCompletion] {
        let rest = ends.filter { !$0.isDone && $0.settlement != nil }
        let calls = calls(ends)
        // Who has nothing to say does not wait for a Redis that is away.
        guard !calls.isEmpty else { return rest }
        let settled = ends.filter(\.isDone).map(\.delivery)
        // Before it is said, so that what fetches can say its request along with it.
        consumer.willRelease(settled)
        do {
            for answer in try await consumer.client.run(calls) {
                if case .error(let message) = answer { throw Self.storeAndAcknowledge.error(message) }
            }
        } catch {
            consumer.didNotRelease(settled)
            throw error
        }
        consumer.didRelease(settled)
        return rest
    }

    private func calls(_ ends: [TaskCompletion]) -> [RedisScriptCall] {
        stride(from: 0, to: ends.count, by: Self.mostAtOnce).compactMap { start in
            call(ends[start..<min(start + Self.mostAtOnce, ends.count)])
        }
    }

    private func call(_ ends: ArraySlice<TaskCompletion>) -> RedisScriptCall? {
        let metas = ends.compactMap(\.meta)
        let tags = ends.filter(\.isDone).map(\.delivery.tag)
        guard !metas.isEmpty || !tags.isEmpty else { return nil }
        let keys = consumer.broker.keys
        let arguments: [any RedisArgument] = [consumer.worker.id, results.settings.expires, metas.count]
        return Self.storeAndAcknowledge.call(
            keys: [keys.unacked, keys.unackedIndex, keys.holders]
                + metas.map { results.settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() } + tags
        )
    }
}

extension TaskCompletion {
    /// Whether the message is only to be taken off the worker, which holds it.
    fileprivate var isDone: Bool { keeper == nil && (settlement == .acknowledged || settlement == .rejected) }
}

extension RedisConsumer {
    func express(to results: any ResultStore) -> RedisBatchAck? {
        guard let results = results.inRedis, results.redis.isSame(as: broker.client) else { return nil }
        return RedisBatchAck(results: results, consumer: self)
    }

    /// Makes room for others in the place of deliveries that a script is about to take off this worker. They are not refreshed
    /// from now on: a refresh that came after the script would find them taken away.
    fileprivate func willRelease(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        state.withLock { state in
            for delivery in deliveries { _ = state.settles(delivery.tag) }
        }
        heldTags.release(deliveries)
        bell.signal()
    }

    fileprivate func didNotRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.keeps(delivery.tag) }
        }
        for delivery in deliveries { heldTags.hold(delivery.tag) }
    }

    fileprivate func didRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.settled(delivery.tag) }
        }
    }
}
