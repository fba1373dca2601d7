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
    /// How long a stopping worker tries to requeue its deliveries.
    private static let farewell = Duration.seconds(5)
    /// The maximum of completions in one script, as Lua limits the arguments of a function.
    private static let scriptLimit = 500

    static let preamble = [RedisCommand("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")]

    private let broker: RedisBroker
    private let worker: WorkerIdentity
    private let options: RedisBrokerOptions
    private let keys: RedisKeys
    private let logger: Logger
    private let state: Mutex<ConsumerState>
    /// Signaled when there may be messages to fetch, or room for them.
    private let bell = AsyncSignal()
    /// Signaled when a settlement could not be sent.
    private let owing = AsyncSignal()
    private let client: ReconnectingRedisClient

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
        state = Mutex(ConsumerState(queues: queues, prefetch: prefetch))
        var connection = options.connection(to: broker.url, name: "dash-worker", logger: logger)
        connection.preamble = Self.preamble
        client = ReconnectingRedisClient(connection)
    }

    /// Runs until a graceful shutdown, then requeues unsettled deliveries. A cancellation stops it at once; other
    /// processes requeue its deliveries.
    func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.client.keepConnected { _ in self.lookAgain() } }
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
        let redis = options.connection(to: broker.url, logger: logger)
        return WorkerLease(redis: redis, registry: broker.registry, consumer: self)
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

    private func fetch(_ request: ConsumerState.Request) async throws -> [Delivery] {
        if request.reclaims {
            let deliveries = try await reclaim()
            if !deliveries.isEmpty { return deliveries }
        }
        let lists = request.queues.map(keys.lists)
        let call = BrokerScripts.fetch.call(
            keys: [keys.unacked, keys.unackedIndex, keys.workers, keys.holders, keys.rejected]
                + keys.prioritySteps.indices.flatMap { step in lists.map { $0[step] } },
            arguments: [request.limit, worker.id, options.terms.lease.inSeconds, RedisBroker.rejectedLimit]
                + request.queues
        )
        // Before the fetch, so that an invalidation during it is not missed.
        state.withLock { $0.looks(nextAt: .now + Self.caution) }
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
        if refused > 0 { logger.error("Moved \(refused) unreadable messages to the list \(keys.rejected).") }
        return await deliveries(found, areEntries: false)
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
        return await deliveries(answer.elements ?? [], areEntries: true)
    }

    private func deliveries(_ parts: [RedisValue], areEntries: Bool) async -> [Delivery] {
        var deliveries: [Delivery] = []
        for part in parts {
            if let delivery = await delivery(part, isEntry: areEntries) { deliveries.append(delivery) }
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
        let deadline = ContinuousClock.now + Self.farewell
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
                let facts: Logger.Metadata = ["delivery": "\(tag)"]
                logger.notice("A settled message was no longer held by this worker.", metadata: facts)
            }
            state.withLock { $0.settled(tag) }
        } catch {
            logger.debug("A message could not be settled: \(error)")
            owe(settlement, of: tag)
        }
    }

    /// - Returns: Whether this worker held the message.
    private func perform(_ settlement: Settlement, of tag: String) async throws -> Bool {
        var arguments: [any RedisArgument] = [tag, worker.id]
        if !settlement.isRemoval {
            let entry = try await broker.client.send(RedisCommand("HGET", keys.unacked, tag))
            guard let entry = entry.bytes else { return false }
            let envelope = try KombuEnvelope.envelope(ofEntry: entry)
            if case .postponed(let time) = settlement {
                arguments += [envelope.serialized(), time]
            } else {
                arguments.append(KombuEnvelope.redelivered(envelope).serialized())
            }
        }
        let keys = keys.delivery + [keys.eta, keys.parked]
        let answer = try await broker.client.run(BrokerScripts.settle, keys: keys, arguments: arguments)
        if case .postponed = settlement { broker.didPark() }
        return answer == .integer(1)
    }
}

// MARK: - Settling along with results

extension RedisConsumer {
    func report(_ completions: [TaskCompletion], to results: any ResultStore) async throws -> [TaskCompletion] {
        guard let results = results.inRedis, results.redis === broker.client else {
            try await results.store(completions)
            return completions
        }
        let calls = stride(from: 0, to: completions.count, by: Self.scriptLimit).compactMap { start in
            call(completions[start..<min(start + Self.scriptLimit, completions.count)], results.settings)
        }
        // Without a request, do not wait for a lost connection.
        if !calls.isEmpty { try await run(calls, releasing: completions.filter(\.isRemoval).map(\.delivery.tag)) }
        return completions.filter { !$0.isRemoval && $0.settlement != nil }
    }

    private func call(_ completions: ArraySlice<TaskCompletion>, _ settings: ResultSettings) -> RedisScriptCall? {
        let metas = completions.compactMap(\.meta)
        let tags = completions.filter(\.isRemoval).map(\.delivery.tag)
        guard !metas.isEmpty || !tags.isEmpty else { return nil }
        let arguments: [any RedisArgument] = [worker.id, settings.expires, metas.count]
        return BrokerScripts.storeAndAcknowledge.call(
            keys: keys.delivery + metas.map { settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() } + tags
        )
    }

    private func run(_ calls: [RedisScriptCall], releasing tags: [String]) async throws {
        // Before the request, so that the next fetch can go out with it.
        state.withLock { state in
            for tag in tags { _ = state.settles(tag) }
        }
        bell.signal()
        do {
            for case .error(let message) in try await client.run(calls) {
                throw BrokerScripts.storeAndAcknowledge.error(message)
            }
        } catch {
            state.withLock { state in
                for tag in tags { state.keeps(tag) }
            }
            throw error
        }
        state.withLock { state in
            for tag in tags { state.settled(tag) }
        }
    }
}

extension Settlement {
    /// Whether the broker only removes the message.
    var isRemoval: Bool { self == .acknowledged || self == .rejected }
}

// MARK: - Refreshing

extension RedisConsumer {
    /// Refreshes the scores of its deliveries in Celery's index, along with the lease, so that Python workers do not
    /// restore them after the visibility timeout.
    var refresh: RedisScriptCall {
        let tags = state.withLock { $0.refreshed }
        return BrokerScripts.refresh.call(keys: [keys.unackedIndex, keys.holders], arguments: [worker.id] + tags)
    }

    /// Takes the reply to `refresh`: the deliveries that this worker lost.
    func take(_ answer: RedisValue) {
        let count = state.withLock { $0.loses(answer.texts) }
        guard count > 0 else { return }
        logger.warning(
            "Messages of this worker were requeued because its lease expired. They may run twice.",
            metadata: ["count": "\(count)"]
        )
    }
}
