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

    private let broker: RedisBroker
    private let worker: WorkerIdentity
    private let options: RedisBrokerOptions
    private let keys: RedisKeys
    private let logger: Logger
    /// What it holds according to Redis.
    private let heldTags: HeldTags
    private let state: Mutex<ConsumerState>
    /// Signaled when there may be messages to fetch, or room for them.
    private let bell = AsyncSignal()
    /// Signaled when a settlement could not be sent.
    private let owing = AsyncSignal()
    private let client: ReconnectingRedisClient
    private let hasWarned = Mutex(false)

    init(
        _ broker: RedisBroker,
        worker: WorkerIdentity,
        queues: [String],
        prefetch: Int,
        options: RedisBrokerOptions,
        logger: Logger
    ) {
        self.broker = broker
        self.worker = worker
        self.options = options
        self.logger = logger
        keys = options.keys
        heldTags = HeldTags(worker, keys: keys, logger: logger)
        state = Mutex(ConsumerState(queues: queues, prefetch: prefetch))
        var connection = options.connection(to: broker.url, name: "dash-worker", logger: logger)
        connection.preamble = [RedisCommand("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")]
        client = ReconnectingRedisClient(connection)
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
            redis: options.connection(to: broker.url, logger: logger),
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
                logger.debug("A fetch failed: \(error)")
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
        let isCalled = client.present?.reportsChanges ?? true
        if isCalled { return Self.caution }
        let isFirst = hasWarned.withLock { hasWarned in
            defer { hasWarned = true }
            return !hasWarned
        }
        if isFirst {
            logger.notice(
                "This Redis does not support CLIENT TRACKING: idle workers poll every \(options.poll)."
            )
        }
        return options.poll
    }

    private func fetch(_ request: ConsumerState.Request) async throws -> [Delivery] {
        if request.reclaims {
            let deliveries = try await reclaim()
            if !deliveries.isEmpty { return deliveries }
        }
        let lists = request.queues.map(keys.lists)
        let call = BrokerScripts.fetch.call(
            keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.holders, keys.rejected]
                + keys.prioritySteps.indices.flatMap { step in lists.map { $0[step] } },
            arguments: [request.limit, worker.id, options.terms.lease.inSeconds, options.rejectedLimit]
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
            logger.error("Moved \(refused) unreadable messages to the list \(keys.rejected).")
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
    private func reclaim() async throws -> [Delivery] {
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
        let queue = keys.queue(of: list)
        do {
            let (task, isRedelivered) =
                try isEntry ? KombuEnvelope.decode(KombuEnvelope.envelope(ofEntry: bytes)) : KombuEnvelope.decode(bytes)
            heldTags.hold(tag)
            guard state.withLock({ $0.received(tag) }) else { return nil }
            return Delivery(tag: tag, queue: queue, task: task, isRedelivered: isRedelivered)
        } catch {
            logger.error("Moving an unreadable message to the list \(keys.rejected): \(error)")
            let refusal = broker.refusal(of: tag, from: worker.id, reason: "\(error)", queue: queue)
            // If this fails, the next fetch reclaims the message.
            do { _ = try await client.run([refusal]) } catch { state.withLock { $0.answerWasLost() } }
            return nil
        }
    }

    func setPrefetch(_ prefetch: Int) {
        state.withLock { $0.setPrefetch(prefetch) }
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
    private func settleOwed() async {
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
            logger.debug("The last fetched messages could not be requeued.", metadata: ["error": "\(error)"])
        }
    }

    /// Requeues unsettled deliveries, for a limited time; other processes requeue the rest.
    private func returnToQueue() async {
        let deadline = ContinuousClock.now + options.farewell
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
                logger.notice(
                    "A settled message was no longer held by this worker.",
                    metadata: ["delivery": "\(tag)"]
                )
            }
            state.withLock { $0.settled(tag) }
            heldTags.release(tag)
        } catch {
            logger.debug("A message could not be settled: \(error)")
            owe(settlement, of: tag)
        }
    }

    /// - Returns: Whether this worker held the message.
    private func perform(_ settlement: Settlement, of tag: String) async throws -> Bool {
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
            broker.didPark()
            return isHeld
        }
    }

    private func run(_ script: RedisScript, keys: [String], arguments: [any RedisArgument]) async throws -> Bool {
        try await broker.client.run(script, keys: keys, arguments: arguments) == .integer(1)
    }
}

// MARK: - Settling along with results

extension RedisConsumer {
    func batchAck(with results: any ResultStore) -> RedisBatchAck? {
        guard let results = results.inRedis, results.redis.isSame(as: broker.client) else { return nil }
        return RedisBatchAck(results, self, client, keys: keys, worker: worker)
    }

    /// Makes room for other deliveries before a script removes these. They are no longer refreshed, as a refresh after
    /// the script would not find them.
    func willRelease(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        state.withLock { state in
            for delivery in deliveries { _ = state.settles(delivery.tag) }
        }
        heldTags.release(deliveries)
        bell.signal()
    }

    func didNotRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.keeps(delivery.tag) }
        }
        for delivery in deliveries { heldTags.hold(delivery.tag) }
    }

    func didRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.settled(delivery.tag) }
        }
    }
}
