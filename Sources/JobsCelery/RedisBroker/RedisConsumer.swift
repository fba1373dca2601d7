import Logging
import ServiceLifecycle
import Synchronization

/// A worker's end of a Redis broker.
///
/// It waits for messages without asking again and again: after an empty fetch Redis calls (`CLIENT TRACKING`) as soon as one of
/// the lists changes.
final class RedisConsumer: CeleryConsumer {
    /// An idle worker looks this often all the same, should a call of Redis ever be lost.
    private static let caution = Duration.seconds(15)

    let broker: RedisBroker
    let worker: WorkerIdentity
    let leases: LeaseKeeper
    let state: Mutex<ConsumerState>
    /// Rings when there may be something to fetch, or room for it.
    let bell = Bell()
    /// Rings when a settlement could not be said.
    let owing = Bell()
    private let client: ReconnectingRedisClient
    private let hasWarned = Mutex(false)

    init(_ broker: RedisBroker, worker: WorkerIdentity, queues: [String], prefetch: Int) {
        self.broker = broker
        self.worker = worker
        leases = LeaseKeeper(broker, worker: worker.id)
        state = Mutex(ConsumerState(queues: queues, prefetch: prefetch))
        var options = RedisOptions(broker.url, name: "dash-worker", logger: broker.logger)
        options.preamble = [RedisCommand("CLIENT", "TRACKING", "ON", "NOLOOP")]
        client = ReconnectingRedisClient(options)
    }

    /// Runs until a graceful shutdown, and gives back then what is not settled. A cancellation ends it at once; what it held is
    /// given back by others.
    func run() async throws {
        let life = broker.subscriber.subscribe(to: broker.keys.lifeLine(of: worker.id)) { _ in }
        defer { life.end() }
        do {
            try await life.confirmed()
        } catch let error as CeleryError where error.code == .refused {
            // Jobs would break half-way, where a script tells of them.
            throw error
        } catch {
            // There is no Redis yet.
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.client.keepConnected() }
            group.addTask { await self.leases.keep() }
            group.addTask { for await _ in self.client.pushes() { self.bell.ring() } }
            group.addTask { await self.settleOwed() }
            group.addTask { try? await self.broker.declare(self.queues) }
            try? await gracefulShutdown()
            stopFetching()
            if !Task.isCancelled { await giveBack() }
            group.cancelAll()
        }
    }

    func fetch(upTo limit: Int) async -> [Delivery] {
        while !Task.isCancelled, !state.withLock({ $0.isStopped }) {
            guard let request = state.withLock({ $0.request(upTo: limit) }) else {
                await bell.wait()
                continue
            }
            do {
                let (deliveries, goesOn) = try await fetch(request)
                guard deliveries.isEmpty else { return deliveries }
                if !goesOn { await idle() }
            } catch {
                if (error as? CeleryError)?.code == .connectionLost { state.withLock { $0.answerWasLost() } }
                broker.logger.debug("Nothing can be fetched now: \(error)")
                // A back-off; a new connection ends it.
                await bell.wait(atMost: .milliseconds(200))
            }
        }
        return []
    }

    private func idle() async {
        let isCalled = client.present.map { $0.protocolVersion >= 3 && $0.tookPreamble } ?? true
        await bell.wait(atMost: isCalled ? Self.caution : broker.options.poll)
        let isFirst = hasWarned.withLock { hasWarned in
            defer { hasWarned = hasWarned || !isCalled }
            return !hasWarned
        }
        guard !isCalled, isFirst else { return }
        broker.logger.notice(
            "This Redis cannot call an idle worker: it looks for messages every \(broker.options.poll)."
        )
    }

    /// Fetches once; also tells whether there may be more although nothing came.
    private func fetch(_ request: ConsumerState.Request) async throws -> ([Delivery], goesOn: Bool) {
        if request.reclaims {
            let deliveries = try await reclaim()
            if !deliveries.isEmpty { return (deliveries, true) }
        }
        let keys = broker.keys
        let lists = request.queues.map(keys.lists)
        let answer = try await client.run(
            BrokerScripts.fetch,
            keys: [keys.unacked, keys.unackedIndex, keys.leases, keys.holders, keys.rejected]
                + keys.prioritySteps.indices.flatMap { step in lists.map { $0[step] } },
            arguments: [request.limit, worker.id, broker.options.lease.inSeconds, broker.options.rejectedLimit]
                + request.queues
        )
        guard let parts = answer.elements, parts.count == 2, let found = parts[0].elements else { return ([], false) }
        let refused = parts[1].integer ?? 0
        if refused > 0 {
            broker.logger.error("\(refused) messages cannot be read; they are in the list \(keys.rejected).")
        }
        var deliveries: [Delivery] = []
        for part in found {
            if let delivery = await delivery(part, isEntry: false) { deliveries.append(delivery) }
        }
        return (deliveries, refused > 0 || !found.isEmpty)
    }

    /// What an earlier fetch gave, whose answer was lost.
    private func reclaim() async throws -> [Delivery] {
        let keys = broker.keys
        let answer = try await client.run(
            BrokerScripts.reclaim,
            keys: [keys.unacked, keys.leases, keys.holders],
            arguments: [worker.id, broker.options.lease.inSeconds] + Array(state.withLock { $0.known })
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
            state.withLock { $0.received(tag) }
            leases.hold(tag)
            return Delivery(tag: tag, queue: queue, task: task, isRedelivered: isRedelivered)
        } catch {
            broker.logger.error("A message cannot be read; it is in the list \(broker.keys.rejected): \(error)")
            let refusal = broker.refusal(of: tag, from: worker.id, reason: "\(error)", queue: queue)
            // Should this fail, its lease ends, and the next worker tries.
            _ = try? await client.run([refusal])
            return nil
        }
    }

    func setPrefetch(_ prefetch: Int) {
        state.withLock { $0.prefetch = prefetch }
        bell.ring()
    }

    func add(queue: String) async throws {
        guard state.withLock({ $0.add(queue) }) else { return }
        bell.ring()
        try await broker.declare([queue])
    }

    func cancel(queue: String) async throws {
        state.withLock { $0.remove(queue) }
    }

    var queues: [String] { state.withLock { $0.queues } }

    func stopFetching() {
        state.withLock { $0.stop() }
        bell.ring()
    }
}
