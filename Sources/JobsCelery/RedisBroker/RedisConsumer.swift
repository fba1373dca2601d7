import CeleryProtocol
import DashJSON
import Logging
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// A worker's consumer on a Redis broker.
///
/// An idle consumer does not poll: after a fetch that found the lists empty, Redis reports the next change of any of
/// them (`CLIENT TRACKING`). Where results are on the same Redis, the connection that fetches also settles, so that a
/// busy worker sends both in one write.
final class RedisConsumer: CeleryConsumer {
    /// An idle worker polls this often, in case an invalidation message is lost.
    private static let caution = Duration.seconds(15)

    let broker: RedisBroker
    let worker: WorkerIdentity
    /// What it holds according to Redis.
    let heldTags: HeldTags
    let state: Mutex<ConsumerState>
    /// Signaled when there may be messages to fetch, or room for them.
    let bell = AsyncSignal()
    /// Signaled when a settlement could not be sent.
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

    /// Runs until a graceful shutdown, then requeues unsettled deliveries. A cancellation stops it at once; other
    /// processes requeue its deliveries.
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

    /// The worker's lease, which covers its deliveries.
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
                broker.logger.debug("A fetch failed: \(error)")
                // Backoff, cut short by a new connection.
                await bell.wait(atMost: .milliseconds(200))
            }
        }
        return []
    }

    private func lookAgain() {
        state.withLock { $0.looksAgain() }
        bell.signal()
    }

    /// The longest time until the next fetch without an invalidation message.
    private func patience() -> Duration {
        let isCalled = client.present.map { $0.protocolVersion >= 3 && $0.tookPreamble } ?? true
        if isCalled { return Self.caution }
        let isFirst = hasWarned.withLock { hasWarned in
            defer { hasWarned = true }
            return !hasWarned
        }
        if isFirst {
            broker.logger.notice(
                "This Redis does not support CLIENT TRACKING: idle workers poll every \(broker.options.poll)."
            )
        }
        return broker.options.poll
    }

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
        // Before the fetch, so that an invalidation during it is not missed.
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
            broker.logger.error("Moved \(refused) unreadable messages to the list \(keys.rejected).")
        }
        var deliveries: [Delivery] = []
        for part in found {
            if let delivery = await delivery(part, isEntry: false) { deliveries.append(delivery) }
        }
        return deliveries
    }

    /// Runs a script with tracking: Redis reports changes of the keys that it reads.
    private func ask(_ call: RedisScriptCall) async throws -> RedisValue {
        let caching = RedisCommand("CLIENT", "CACHING", "YES")
        var answer = try await client.send([caching, call.command()])[1]
        if answer.isUnknownScript { answer = try await client.send([caching, call.command(whole: true)])[1] }
        if case .error(let message) = answer { throw call.script.error(message) }
        return answer
    }

    /// Returns the deliveries of an earlier fetch whose reply was lost.
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

    /// Reads a fetched message; nil for an unreadable one, which is rejected, and for one that is settled already.
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
            broker.logger.error("Moving an unreadable message to the list \(broker.keys.rejected): \(error)")
            let refusal = broker.refusal(of: tag, from: worker.id, reason: "\(error)", queue: queue)
            // If this fails, the next fetch reclaims the message.
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
        // Do not block the caller while Redis is unreachable: the settlement is sent after the reconnect.
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

    /// Retries settlements that could not be sent, until the task is cancelled.
    func settleOwed() async {
        while !Task.isCancelled {
            await owing.wait()
            if state.withLock({ $0.isStopped && $0.missesAnswer }) { await returnLost() }
            for (tag, settlement) in state.withLock({ $0.owed }) { await say(settlement, of: tag) }
            // Backoff until the connection is restored.
            if state.withLock({ !$0.owed.isEmpty || $0.isStopped && $0.missesAnswer }) {
                try? await Task.sleep(for: .milliseconds(200))
                owing.signal()
            }
        }
    }

    /// Requeues the deliveries of a fetch whose reply was lost, after fetching has stopped.
    private func returnLost() async {
        do {
            for delivery in try await reclaim() { await settle(delivery, as: .returned) }
        } catch {
            broker.logger.debug("The last fetched messages could not be requeued.", metadata: ["error": "\(error)"])
        }
    }

    /// Requeues unsettled deliveries, for a limited time; other processes requeue the rest.
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
                    "A settled message was no longer held by this worker.",
                    metadata: ["delivery": "\(tag)"]
                )
            }
            state.withLock { $0.settled(tag) }
            heldTags.release(tag)
        } catch {
            broker.logger.debug("A message could not be settled: \(error)")
            owe(settlement, of: tag)
        }
    }

    /// - Returns: Whether this worker held the message.
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

/// The deliveries and settlements of a consumer, and what to fetch next. No I/O.
struct ConsumerState: Sendable {
    /// The arguments of a fetch.
    struct Request: Sendable, Hashable {
        var queues: [String]
        var limit: Int
        /// Whether the reply to an earlier fetch was lost: its deliveries are reclaimed first.
        var reclaims: Bool
    }

    var prefetch: Int
    private(set) var queues: [String]
    /// Delivered and not settled.
    private(set) var held: Set<String> = []
    /// Settlements to retry.
    private(set) var owed: [String: Settlement] = [:]
    /// Settlements in flight.
    private var underway: Set<String> = []
    private(set) var isStopped = false
    private(set) var missesAnswer = false
    /// The lists were empty and Redis reports changes; without a report, the next fetch is due at this time.
    private var looksAt: ContinuousClock.Instant?
    private var turn = 0

    init(queues: [String], prefetch: Int) {
        self.queues = queues
        self.prefetch = prefetch
    }

    /// The tags that the worker holds on Redis, as far as it knows.
    var known: Set<String> { held.union(owed.keys).union(underway) }

    /// What to fetch now, nil without room or queues. The queues take turns in coming first.
    mutating func request(upTo limit: Int) -> Request? {
        let room = min(limit, prefetch - held.count)
        guard !isStopped, room > 0, !queues.isEmpty else { return nil }
        turn = (turn + 1) % queues.count
        return Request(queues: Array(queues[turn...] + queues[..<turn]), limit: room, reclaims: missesAnswer)
    }

    /// A fetch begins. Unless it leaves messages, the next one is due at `instant`.
    mutating func looks(nextAt instant: ContinuousClock.Instant) { looksAt = instant }

    /// The lists changed, or may hold more messages.
    mutating func looksAgain() { looksAt = nil }

    /// The time until the next fetch; nil to fetch now.
    func rest(at now: ContinuousClock.Instant) -> Duration? {
        looksAt.flatMap { $0 > now ? now.duration(to: $0) : nil }
    }

    mutating func answerWasLost() { missesAnswer = true }
    mutating func answerWasFound() { missesAnswer = false }

    /// - Returns: False for a delivery with a settlement in flight: it was redelivered because the lease expired.
    mutating func received(_ tag: String) -> Bool {
        guard owed[tag] == nil, !underway.contains(tag) else { return false }
        held.insert(tag)
        return true
    }

    /// Begins a settlement; false if the delivery is settled already.
    mutating func settles(_ tag: String) -> Bool {
        guard held.remove(tag) != nil else { return false }
        underway.insert(tag)
        return true
    }

    /// A settlement failed; the delivery is held again.
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

    /// - Returns: Whether the queue is new.
    mutating func add(_ queue: String) -> Bool {
        guard !queues.contains(queue) else { return false }
        queues.append(queue)
        looksAgain()
        return true
    }

    mutating func remove(_ queue: String) { queues.removeAll { $0 == queue } }

    mutating func stop() { isStopped = true }
}
