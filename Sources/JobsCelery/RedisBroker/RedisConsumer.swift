import DashJSON
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// A worker's end of a Redis broker.
///
/// It waits for messages without asking again and again: after a fetch that saw the lists empty Redis calls (`CLIENT
/// TRACKING`) as soon as one of them changes. What fetches also settles, where results are on the same Redis: a busy worker says both in one write.
final class RedisConsumer: CeleryConsumer {
    /// An idle worker looks this often all the same, should a call of Redis ever be lost.
    private static let caution = Duration.seconds(15)

    let broker: RedisBroker
    let worker: WorkerIdentity
    /// What it holds, as the server has it.
    let heldTags: HeldTags
    let state: Mutex<ConsumerState>
    /// Given when there may be something to fetch, or room for it.
    let bell = AsyncSignal()
    /// Given when a settlement could not be said.
    let owing = AsyncSignal()
    let client: ReconnectingRedisClient
    private let hasWarned = Mutex(false)

    init(_ broker: RedisBroker, worker: WorkerIdentity, queues: [String], prefetch: Int) {
        self.broker = broker
        self.worker = worker
        heldTags = HeldTags(worker, keys: broker.keys, logger: broker.logger)
        state = Mutex(ConsumerState(queues: queues, prefetch: prefetch))
        var options = broker.options.connection(to: broker.url, name: "dash-worker", logger: broker.logger)
        options.preamble = [RedisCommand("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")]
        client = ReconnectingRedisClient(options)
    }

    /// Runs until a graceful shutdown, and gives back then what is not settled. A cancellation ends it at once; what it held is
    /// given back by others.
    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.client.keepConnected() }
            group.addTask { for await _ in self.client.pushes() { self.lookAgain() } }
            group.addTask { await self.settleOwed() }
            group.addTask { try? await self.broker.declare(self.queues) }
            try? await gracefulShutdown()
            stopFetching()
            if !Task.isCancelled { await returnToQueue() }
            group.cancelAll()
        }
    }

    /// The worker's lease: with it go the deliveries.
    var lease: WorkerLease? {
        WorkerLease(
            redis: broker.options.connection(to: broker.url, logger: broker.logger),
            registry: broker.registry,
            held: heldTags
        )
    }

    func fetch(upTo limit: Int) async -> [Delivery] {
        defer { if state.withLock({ $0.isStopped && $0.missesAnswer }) { owing.signal() } }
        while !Task.isCancelled, !state.withLock({ $0.isStopped }) {
            guard let request = state.withLock({ $0.request(upTo: limit) }) else {
                await bell.wait()
                continue
            }
            if let rest = state.withLock({ $0.rest(at: .now) }) {
                await bell.wait(atMost: rest)
                continue
            }
            do {
                let deliveries = try await fetch(request)
                guard deliveries.isEmpty else { return deliveries }
            } catch {
                if (error as? CeleryError)?.code == .connectionLost { state.withLock { $0.answerWasLost() } }
                broker.logger.debug("Nothing can be fetched now: \(error)")
                // A back-off; a new connection ends it.
                await bell.wait(atMost: .milliseconds(200))
            }
        }
        return []
    }

    private func lookAgain() {
        state.withLock { $0.looksAgain() }
        bell.signal()
    }

    /// The longest time until the next look, should nobody call.
    private func patience() -> Duration {
        let isCalled = client.present.map { $0.protocolVersion >= 3 && $0.tookPreamble } ?? true
        if isCalled { return Self.caution }
        let isFirst = hasWarned.withLock { hasWarned in
            defer { hasWarned = true }
            return !hasWarned
        }
        if isFirst {
            broker.logger.notice(
                "This Redis cannot call an idle worker: it looks for messages every \(broker.options.poll)."
            )
        }
        return broker.options.poll
    }

    /// Fetches once.
    private func fetch(_ request: ConsumerState.Request) async throws -> [Delivery] {
        if request.reclaims {
            let deliveries = try await reclaim()
            if !deliveries.isEmpty { return deliveries }
        }
        let keys = broker.keys
        let lists = request.queues.map(keys.lists)
        let call = BrokerScripts.fetch.call(
            keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.holders, keys.rejected]
                + keys.prioritySteps.indices.flatMap { step in lists.map { $0[step] } },
            arguments: [request.limit, worker.id, broker.options.terms.lease.inSeconds, broker.options.rejectedLimit]
                + request.queues
        )
        let nextLook = ContinuousClock.now + patience()
        // Before it is asked: a call that comes at once is heard.
        state.withLock { $0.looks(nextAt: nextLook) }
        let answer: RedisValue
        do {
            answer = try await ask(call)
        } catch {
            state.withLock { $0.looksAgain() }
            throw error
        }
        let parts = answer.elements ?? []
        let (found, refused) = (parts.first?.elements ?? [], parts.last?.integer ?? 0)
        if found.count >= request.limit || refused > 0 { state.withLock { $0.looksAgain() } }
        if refused > 0 {
            broker.logger.error("\(refused) messages cannot be read; they are in the list \(keys.rejected).")
        }
        var deliveries: [Delivery] = []
        for part in found {
            if let delivery = await delivery(part, isEntry: false) { deliveries.append(delivery) }
        }
        return deliveries
    }

    /// Runs a script whose looks at lists Redis remembers, to call when they change.
    private func ask(_ call: RedisScriptCall) async throws -> RedisValue {
        let caching = RedisCommand("CLIENT", "CACHING", "YES")
        var answer = try await client.send([caching, call.command()])[1]
        if answer.isUnknownScript { answer = try await client.send([caching, call.command(whole: true)])[1] }
        if case .error(let message) = answer { throw call.script.error(message) }
        return answer
    }

    /// What an earlier fetch gave, whose answer was lost.
    func reclaim() async throws -> [Delivery] {
        let keys = broker.keys
        let answer = try await client.run(
            BrokerScripts.reclaim,
            keys: [keys.unacked, keys.holders],
            arguments: [worker.id] + Array(state.withLock { $0.known })
        )
        state.withLock { $0.answerWasFound() }
        var deliveries: [Delivery] = []
        for part in answer.elements ?? [] {
            if let delivery = await delivery(part, isEntry: true) { deliveries.append(delivery) }
        }
        return deliveries
    }

    /// Takes over what was fetched; nil for what cannot be read, which is put away.
    private func delivery(_ part: RedisValue, isEntry: Bool) async -> Delivery? {
        guard let parts = part.elements, parts.count == 3, let tag = parts[0].text, let list = parts[1].text,
            let bytes = parts[2].bytes
        else { return nil }
        let queue = broker.keys.queue(of: list)
        do {
            let (task, isRedelivered) =
                try isEntry ? KombuEnvelope.decode(KombuEnvelope.envelope(ofEntry: bytes)) : KombuEnvelope.decode(bytes)
            heldTags.hold(tag)
            guard state.withLock({ $0.received(tag) }) else { return nil }
            return Delivery(tag: tag, queue: queue, task: task, isRedelivered: isRedelivered)
        } catch {
            broker.logger.error("A message cannot be read; it is in the list \(broker.keys.rejected): \(error)")
            let refusal = broker.refusal(of: tag, from: worker.id, reason: "\(error)", queue: queue)
            // Should this fail, it is read once more.
            do { _ = try await client.run([refusal]) } catch { state.withLock { $0.answerWasLost() } }
            return nil
        }
    }

    func setPrefetch(_ prefetch: Int) {
        state.withLock { $0.prefetch = prefetch }
        bell.signal()
    }

    func add(queue: String) async throws {
        guard state.withLock({ $0.add(queue) }) else { return }
        bell.signal()
        try await broker.declare([queue])
    }

    func cancel(queue: String) async throws {
        state.withLock { $0.remove(queue) }
    }

    var queues: [String] { state.withLock { $0.queues } }

    func stopFetching() {
        state.withLock { $0.stop() }
        bell.signal()
    }
}

// MARK: - Settling

extension RedisConsumer {
    func settle(_ delivery: Delivery, as settlement: Settlement) async {
        guard state.withLock({ $0.settles(delivery.tag) }) else { return }
        bell.signal()
        // Nobody is kept waiting for a Redis that is away: it is told when it is there again.
        guard broker.client.present != nil else { return owe(settlement, of: delivery.tag) }
        await say(settlement, of: delivery.tag)
    }

    private func owe(_ settlement: Settlement, of tag: String) {
        state.withLock { $0.owes(tag, settlement) }
        owing.signal()
    }

    func settled(_ delivery: Delivery) {
        state.withLock { $0.settled(delivery.tag) }
        heldTags.release(delivery.tag)
        bell.signal()
    }

    /// Says settlements again that could not be said, until the task is cancelled.
    func settleOwed() async {
        while !Task.isCancelled {
            await owing.wait()
            if state.withLock({ $0.isStopped && $0.missesAnswer }) { await returnLost() }
            for (tag, settlement) in state.withLock({ $0.owed }) { await say(settlement, of: tag) }
            // A back-off: nothing helps but another connection, which takes its time.
            if state.withLock({ !$0.owed.isEmpty || $0.isStopped && $0.missesAnswer }) {
                try? await Task.sleep(for: .milliseconds(200))
                owing.signal()
            }
        }
    }

    /// Gives back what a fetch took whose answer was lost, where nothing is fetched any more.
    private func returnLost() async {
        do {
            for delivery in try await reclaim() { await settle(delivery, as: .returned) }
        } catch {
            broker.logger.debug("What was fetched last cannot be given back now.", metadata: ["error": "\(error)"])
        }
    }

    /// Gives back all that is not settled, for a time; what cannot be said then is given back by others.
    func returnToQueue() async {
        let deadline = ContinuousClock.now + broker.options.farewell
        for tag in state.withLock({ $0.held }) where state.withLock({ $0.settles(tag) }) {
            state.withLock { $0.owes(tag, .returned) }
        }
        while .now < deadline {
            let owed = state.withLock { $0.owed }
            guard !owed.isEmpty else { return }
            for (tag, settlement) in owed where .now < deadline { await say(settlement, of: tag) }
        }
    }

    private func say(_ settlement: Settlement, of tag: String) async {
        do {
            if try await !perform(settlement, of: tag) {
                broker.logger.notice(
                    "A message was settled that this worker does not hold any more.",
                    metadata: ["delivery": "\(tag)"]
                )
            }
            state.withLock { $0.settled(tag) }
            heldTags.release(tag)
        } catch {
            broker.logger.debug("A message cannot be settled now: \(error)")
            owe(settlement, of: tag)
        }
    }

    /// Settles on Redis.
    ///
    /// - Returns: whether this worker held it.
    private func perform(_ settlement: Settlement, of tag: String) async throws -> Bool {
        let keys = broker.keys
        let settlementKeys = [keys.unacked, keys.unackedIndex, keys.holders]
        switch settlement {
        case .acknowledged, .rejected:
            return try await run(BrokerScripts.acknowledge, keys: settlementKeys, arguments: [tag, worker.id])
        case .returned:
            guard let entry = try await broker.client.send(RedisCommand("HGET", keys.unacked, tag)).bytes else {
                return false
            }
            let envelope = KombuEnvelope.redelivered(try KombuEnvelope.envelope(ofEntry: entry))
            return try await run(
                BrokerScripts.returnToQueue,
                keys: settlementKeys,
                arguments: [tag, worker.id, envelope.serialized()]
            )
        case .postponed(let time):
            guard let entry = try await broker.client.send(RedisCommand("HGET", keys.unacked, tag)).bytes else {
                return false
            }
            let envelope = try KombuEnvelope.envelope(ofEntry: entry)
            let isHeld = try await run(
                BrokerScripts.postpone,
                keys: settlementKeys + [keys.eta, keys.parked],
                arguments: [tag, worker.id, envelope.serialized(), time]
            )
            broker.parked.signal()
            return isHeld
        }
    }

    private func run(_ script: RedisScript, keys: [String], arguments: [any RedisArgument]) async throws -> Bool {
        try await broker.client.run(script, keys: keys, arguments: arguments) == .integer(1)
    }
}

/// What a consumer has and may have: a value without I/O.
struct ConsumerState: Sendable {
    /// What to ask Redis for.
    struct Request: Sendable, Hashable {
        var queues: [String]
        var limit: Int
        /// Whether the answer to an earlier fetch was lost: what it gave is asked for first.
        var reclaims: Bool
    }

    var prefetch: Int
    private(set) var queues: [String]
    /// Given out and not settled.
    private(set) var held: Set<String> = []
    /// Settlements that could not be said.
    private(set) var owed: [String: Settlement] = [:]
    /// Settlements that are being said.
    private var underway: Set<String> = []
    private(set) var isStopped = false
    private(set) var missesAnswer = false
    /// The lists were seen empty, and Redis calls when one changes; should it not, this is when to look all the same.
    private var looksAt: ContinuousClock.Instant?
    private var turn = 0

    init(queues: [String], prefetch: Int) {
        self.queues = queues
        self.prefetch = prefetch
    }

    /// All that the worker has on Redis.
    var known: Set<String> { held.union(owed.keys).union(underway) }

    /// What to fetch now; nil when there is no room or no queue. Each time another queue comes first.
    mutating func request(upTo limit: Int) -> Request? {
        let room = min(limit, prefetch - held.count)
        guard !isStopped, room > 0, !queues.isEmpty else { return nil }
        turn = (turn + 1) % queues.count
        return Request(queues: Array(queues[turn...] + queues[..<turn]), limit: room, reclaims: missesAnswer)
    }

    /// The lists are looked at, to their ends as far as it is known.
    mutating func looks(nextAt instant: ContinuousClock.Instant) { looksAt = instant }

    /// Something has changed, or there may be more: the lists are to be looked at again.
    mutating func looksAgain() { looksAt = nil }

    /// For how long there is nothing to look for; nil is to look now.
    func rest(at now: ContinuousClock.Instant) -> Duration? {
        looksAt.flatMap { $0 > now ? now.duration(to: $0) : nil }
    }

    mutating func answerWasLost() { missesAnswer = true }
    mutating func answerWasFound() { missesAnswer = false }

    /// Takes a delivery in.
    ///
    /// - Returns: false for one that is settled, which Redis did not hear yet: it came again as its lease was over meanwhile.
    mutating func received(_ tag: String) -> Bool {
        guard owed[tag] == nil, !underway.contains(tag) else { return false }
        held.insert(tag)
        return true
    }

    /// Begins to settle; false when it was settled before.
    mutating func settles(_ tag: String) -> Bool {
        guard held.remove(tag) != nil else { return false }
        underway.insert(tag)
        return true
    }

    /// It could not be settled, and is as it was.
    mutating func keeps(_ tag: String) {
        if underway.remove(tag) != nil { held.insert(tag) }
    }

    mutating func settled(_ tag: String) {
        held.remove(tag)
        underway.remove(tag)
        owed[tag] = nil
    }

    mutating func owes(_ tag: String, _ settlement: Settlement) {
        underway.remove(tag)
        owed[tag] = settlement
    }

    /// - Returns: whether it is new.
    mutating func add(_ queue: String) -> Bool {
        guard !queues.contains(queue) else { return false }
        queues.append(queue)
        looksAgain()
        return true
    }

    mutating func remove(_ queue: String) { queues.removeAll { $0 == queue } }

    mutating func stop() { isStopped = true }
}
