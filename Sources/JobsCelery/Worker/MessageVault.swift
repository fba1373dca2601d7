import CeleryProtocol
import DashJSON
import Logging
import RedisClient
import ServiceLifecycle
import Synchronization

/// Keeps the messages of long tasks in Redis, for a broker that requeues messages which are not acknowledged in time
/// (RabbitMQ after 30 minutes). When a worker is dead, any other worker requeues its messages. A service.
///
/// Hash `dash:held` (with the site's prefix): worker and delivery → the responsible worker, a line feed, and the
/// message.
final class MessageVault: DeliveryVault {
    /// The time between two checks for dead workers.
    private static let interval = Duration.seconds(1)

    private let parts: CeleryWorkerParts
    private let redis: any RedisClient
    private let registry: RegistryKeys
    private let key: String
    /// Requeued messages of this worker that may still be in the hash.
    private let returnedFields = Mutex<Set<String>>([])

    init(_ parts: CeleryWorkerParts, _ redis: any RedisClient) {
        self.parts = parts
        self.redis = redis
        // The site's own keys, also of its workers: sites that share a Redis may have different brokers.
        let prefix = parts.settings.keyPrefix
        registry = RegistryKeys(channels: RedisKeys().lifeLinePrefix, workers: prefix + "workers")
        key = prefix + "held"
    }

    func keep(_ delivery: Delivery) async throws {
        let entry = Array(mark + KombuEnvelope.encode(delivery.task))
        _ = try await redis.send(RedisCommand("HSET", key, field(delivery), entry))
    }

    func release(_ delivery: Delivery, as settlement: Settlement) async throws {
        let field = field(delivery)
        guard try await redis.send(RedisCommand("HGET", key, field)).bytes?.starts(with: mark) == true else {
            returnedFields.withLock { _ = $0.remove(field) }
            return parts.logger.notice(
                "A settled message was no longer in this worker's vault.",
                metadata: ["field": "\(field)"]
            )
        }
        // Only once in case of retries.
        if settlement == .returned, returnedFields.withLock({ !$0.contains(field) }) {
            try await returnToQueue(delivery.task)
            returnedFields.withLock { _ = $0.insert(field) }
        }
        _ = try await redis.send(RedisCommand("HDEL", key, field))
        returnedFields.withLock { _ = $0.remove(field) }
    }

    /// The beginning of the entries that this worker is responsible for.
    private var mark: [UInt8] { Array("\(parts.identity.id)\n".utf8) }

    private func field(_ delivery: Delivery) -> String { "\(parts.identity.id)/\(delivery.tag)" }

    private func returnToQueue(_ task: BrokerMessage) async throws {
        var task = task
        task.headers["redelivered"] = true
        try await parts.broker.publish(task)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            // A late resubscription must not repeat the work of ten minutes.
            var monitor = WorkerMonitor(LivenessTerms(lease: self.parts.settings.lease), waitsForLease: true)
            while !Task.isCancelled {
                do {
                    try await self.sweep(&monitor)
                } catch {
                    monitor.forget()
                    self.parts.logger.debug("The message vault could not be checked.", metadata: ["error": "\(error)"])
                }
                // Polling: a dead worker cannot notify the others.
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Requeues the messages of dead workers.
    private func sweep(_ monitor: inout WorkerMonitor) async throws {
        let entries = try await entries().filter { $0.holder != parts.identity.id }
        let holders = Set(entries.map(\.holder))
        // An empty list would mean all workers.
        guard !holders.isEmpty else { return monitor.forget() }
        let dead = Set(try await monitor.dead(on: redis, registry, among: Array(holders)).map(\.worker))
        for entry in entries where dead.contains(entry.holder) {
            do {
                try await takeOver(entry.field, entry.whole, Array(entry.whole[(entry.holder.utf8.count + 1)...]))
            } catch {
                parts.logger.warning(
                    "The message of a long task could not be requeued yet.",
                    metadata: ["field": "\(entry.field)", "error": "\(error)"]
                )
            }
        }
    }

    /// All entries: the responsible worker, and the whole value.
    private func entries() async throws -> [(field: String, holder: String, whole: [UInt8])] {
        let parts = try await redis.send(RedisCommand("HGETALL", key)).elements ?? []
        return stride(from: 0, to: parts.count - 1, by: 2).compactMap { place in
            guard let field = parts[place].text, let whole = parts[place + 1].bytes,
                let end = whole.firstIndex(of: UInt8(ascii: "\n"))
            else { return nil }
            return (field, String(decoding: whole[..<end], as: UTF8.self), whole)
        }
    }

    /// Takes the responsibility, unless another worker was faster, and requeues the message.
    private func takeOver(_ field: String, _ entry: [UInt8], _ envelope: [UInt8]) async throws {
        let own = mark + envelope
        let answer = try await redis.run(Self.exchange, keys: [key], arguments: [field, entry, own])
        guard answer == .integer(1) else { return }
        do {
            try await returnToQueue(try KombuEnvelope.decode(envelope).task)
        } catch {
            // Left for the next check, of any worker.
            _ = try await redis.run(Self.exchange, keys: [key], arguments: [field, own, entry])
            throw error
        }
        _ = try await redis.send(RedisCommand("HDEL", key, field))
        parts.logger.warning(
            "The message of a long task was requeued, as its worker was lost.",
            metadata: ["field": "\(field)"]
        )
    }

    /// Keys: the hash. Arguments: field, expected value, new value.
    private static let exchange = RedisScript(
        "take over a held message",
        """
        if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
        return 1
        """
    )
}

/// Keeps messages outside the broker, for tasks that run longer than a broker waits for an acknowledgement (RabbitMQ's
/// `consumer_timeout`). A service.
protocol DeliveryVault: Service {
    /// Keeps a message, which is requeued if this worker is lost. The broker's delivery is acknowledged only after
    /// this.
    func keep(_ delivery: Delivery) async throws

    /// Settles a kept message: requeues it if `settlement` is `returned`, and removes it.
    func release(_ delivery: Delivery, as settlement: Settlement) async throws
}
