import DashJSON
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the messages of long tasks in Redis, for a broker that takes those back which are not acknowledged in time
/// (RabbitMQ after 30 minutes). When their worker is dead, any other gives them back to their queue. A service.
///
/// Hash `dash:held` (with the site's own prefix): worker and delivery → the worker that is responsible, a line feed, and the message.
final class MessageVault: DeliveryVault {
    /// The time between two looks for dead workers. Celery's own wait for such a message is half an hour.
    private static let interval = Duration.seconds(1)

    private let redis: any RedisClient
    private let broker: any CeleryBroker
    private let worker: WorkerIdentity
    private let registry: WorkerRegistry
    private let key: String
    private let terms: LivenessTerms
    private let logger: Logger
    /// Those of this worker that are in their queues again, and perhaps still kept.
    private let returnedFields = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - prefix: What stands before the site's own keys, its workers' among them: sites that share a Redis do not share their
    ///     vhosts.
    init(
        redis: any RedisClient,
        broker: any CeleryBroker,
        worker: WorkerIdentity,
        prefix: String,
        terms: LivenessTerms = LivenessTerms(),
        logger: Logger
    ) {
        self.redis = redis
        self.broker = broker
        self.worker = worker
        registry = WorkerRegistry(channels: RedisKeys().lifeLinePrefix, workers: prefix + "workers")
        self.terms = terms
        key = prefix + "held"
        self.logger = logger
    }

    func keep(_ delivery: Delivery) async throws {
        let entry = Array(mark + KombuEnvelope.encode(delivery.task))
        _ = try await redis.send(RedisCommand("HSET", key, field(delivery), entry))
    }

    func release(_ delivery: Delivery, as settlement: Settlement) async throws {
        let field = field(delivery)
        guard try await redis.send(RedisCommand("HGET", key, field)).bytes?.starts(with: mark) == true else {
            returnedFields.withLock { _ = $0.remove(field) }
            return logger.notice(
                "A long task's message was settled that this worker does not keep any more.",
                metadata: ["field": "\(field)"]
            )
        }
        // Once, however often this is tried.
        if settlement == .returned, returnedFields.withLock({ !$0.contains(field) }) {
            try await returnToQueue(delivery.task)
            returnedFields.withLock { _ = $0.insert(field) }
        }
        _ = try await redis.send(RedisCommand("HDEL", key, field))
        returnedFields.withLock { _ = $0.remove(field) }
    }

    /// What stands before a message that this worker is responsible for.
    private var mark: [UInt8] { Array("\(worker.id)\n".utf8) }

    private func field(_ delivery: Delivery) -> String { "\(worker.id)/\(delivery.tag)" }

    private func returnToQueue(_ task: BrokerMessage) async throws {
        var task = task
        task.headers["redelivered"] = true
        try await broker.publish(task)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // The work of ten minutes is not done again for a subscription that comes back late.
            var monitor = WorkerMonitor(self.terms, waitsForLease: true)
            while !Task.isCancelled {
                do {
                    try await self.sweep(&monitor)
                } catch {
                    monitor.forget()
                    self.logger.debug("Held messages cannot be looked at now.", metadata: ["error": "\(error)"])
                }
                // Rare messages of rare losses: nobody could tell of them, as who would is gone.
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Gives back the messages of workers that are dead.
    private func sweep(_ monitor: inout WorkerMonitor) async throws {
        let entries = try await entries().filter { $0.holder != worker.id }
        let holders = Set(entries.map(\.holder))
        // Without any the script would look at all.
        guard !holders.isEmpty else { return monitor.forget() }
        let dead = Set(try await monitor.dead(on: redis, registry, among: Array(holders)).map(\.worker))
        for entry in entries where dead.contains(entry.holder) {
            do {
                try await takeOver(entry.field, entry.whole, Array(entry.whole[(entry.holder.utf8.count + 1)...]))
            } catch {
                logger.warning(
                    "A long task's message could not be given back yet.",
                    metadata: ["field": "\(entry.field)", "error": "\(error)"]
                )
            }
        }
    }

    /// All that are kept: who is responsible, a line feed and the message.
    private func entries() async throws -> [(field: String, holder: String, whole: [UInt8])] {
        let parts = try await redis.send(RedisCommand("HGETALL", key)).elements ?? []
        return stride(from: 0, to: parts.count - 1, by: 2).compactMap { place in
            guard let field = parts[place].text, let whole = parts[place + 1].bytes,
                let end = whole.firstIndex(of: UInt8(ascii: "\n"))
            else { return nil }
            return (field, String(decoding: whole[..<end], as: UTF8.self), whole)
        }
    }

    /// Makes itself responsible, unless somebody else was quicker, and gives the message back.
    private func takeOver(_ field: String, _ entry: [UInt8], _ envelope: [UInt8]) async throws {
        let own = Array("\(worker.id)\n".utf8) + envelope
        let answer = try await redis.run(Self.exchange, keys: [key], arguments: [field, entry, own])
        guard answer == .integer(1) else { return }
        do {
            try await returnToQueue(try KombuEnvelope.decode(envelope).task)
        } catch {
            // Whoever looks next tries again.
            _ = try await redis.run(Self.exchange, keys: [key], arguments: [field, own, entry])
            throw error
        }
        _ = try await redis.send(RedisCommand("HDEL", key, field))
        logger.warning(
            "A long task's message is back in its queue: its worker is gone.",
            metadata: ["field": "\(field)"]
        )
    }

    /// Keys: the hash. Arguments: field, the value that it has, the value that it gets.
    private static let exchange = RedisScript(
        "take over a held message",
        """
        if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        return 1
        """
    )
}

extension CeleryWorkerParts {
    /// The same with a keeper where the broker's patience ends.
    var keepingLongTasks: CeleryWorkerParts {
        guard keeper == nil, let redis, broker.limitsAcknowledgementTime else { return self }
        var parts = self
        parts.keeper = MessageVault(
            redis: redis,
            broker: broker,
            worker: identity,
            prefix: settings.keyPrefix,
            terms: LivenessTerms(lease: settings.lease),
            logger: logger
        )
        return parts
    }
}

/// Keeps messages safe in another place than the broker, for those whose tasks run longer than a broker waits for an
/// acknowledgement (RabbitMQ's `consumer_timeout`). A service.
protocol DeliveryVault: Service {
    /// Keeps a message, so that it goes back to its queue when this worker is lost. The broker's own delivery is
    /// acknowledged only after this.
    func keep(_ delivery: Delivery) async throws

    /// The task has ended.
    func release(_ delivery: Delivery, as settlement: Settlement) async throws
}

extension DeliveryVault {
    /// Nothing runs.
    func run() async throws { try? await gracefulShutdown() }
}
