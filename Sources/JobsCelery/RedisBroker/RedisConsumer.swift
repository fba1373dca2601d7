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
            if !Task.isCancelled { await giveBack() }
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
