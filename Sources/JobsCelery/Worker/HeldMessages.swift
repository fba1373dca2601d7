import DashJSON
import Logging
import ServiceLifecycle
import Synchronization

/// Keeps the messages of long tasks in Redis, for a broker that takes those back which are not acknowledged in time
/// (RabbitMQ after 30 minutes). When their worker is lost, any other gives them back to their queue. A service.
///
/// Hash `dash:held` (with the site's own prefix): worker and delivery → the worker that is responsible, a line feed, and the message.
final class HeldMessages: DeliveryKeeper, Service {
    /// The time between two looks for lost workers. Celery's own wait for such a message is half an hour.
    private static let interval = Duration.seconds(2)

    private let redis: any RedisClient
    private let broker: any CeleryBroker
    private let worker: WorkerIdentity
    private let lifeLine: String
    private let key: String
    private let patience: Duration
    private let logger: Logger
    /// Those of this worker that are in their queues again, and perhaps still kept.
    private let givenBack = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - lifeLine: What stands before a worker's id in the channel that it listens to as long as it lives.
    ///   - prefix: What stands before the site's own keys: sites that share a Redis do not share their vhosts.
    ///   - patience: For how long a worker has to be gone.
    init(
        redis: any RedisClient,
        broker: any CeleryBroker,
        worker: WorkerIdentity,
        lifeLine: String = RedisKeys().lifeLinePrefix,
        prefix: String,
        patience: Duration,
        logger: Logger
    ) {
        self.redis = redis
        self.broker = broker
        self.worker = worker
        self.lifeLine = lifeLine
        self.patience = patience
        key = prefix + "held"
        self.logger = logger
    }

    func keep(_ delivery: Delivery) async throws {
        let entry = Array("\(worker.id)\n".utf8) + KombuEnvelope.encode(delivery.task)
        _ = try await redis.send(RedisCommand("HSET", key, field(delivery), entry))
    }

    func release(_ delivery: Delivery, as settlement: Settlement) async throws {
        let field = field(delivery)
        // Once, however often this is tried.
        if settlement == .returned, givenBack.withLock({ !$0.contains(field) }) {
            try await giveBack(delivery.task)
            givenBack.withLock { _ = $0.insert(field) }
        }
        _ = try await redis.send(RedisCommand("HDEL", key, field))
        givenBack.withLock { _ = $0.remove(field) }
    }

    private func field(_ delivery: Delivery) -> String { "\(worker.id)/\(delivery.tag)" }

    private func giveBack(_ task: RawTask) async throws {
        var task = task
        task.headers["redelivered"] = true
        try await broker.publish(task)
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var absences = Absences(patience: self.patience)
            var mending = RedisMending(self.redis)
            while !Task.isCancelled {
                do {
                    if mending.isOver() {
                        try await self.sweep(&absences)
                    } else {
                        absences.forget()
                    }
                } catch {
                    absences.forget()
                    self.logger.debug("Held messages cannot be looked at now.", metadata: ["error": "\(error)"])
                }
                // Rare messages of rare losses: nobody could tell of them, as who would is gone.
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Gives back the messages of workers that are gone.
    private func sweep(_ absences: inout Absences) async throws {
        guard case .array(let parts) = try await redis.send(RedisCommand("HGETALL", key)).asArray else { return }
        let asked = ContinuousClock.now
        for place in stride(from: 0, to: parts.count - 1, by: 2) {
            guard let field = parts[place].text, let entry = parts[place + 1].bytes,
                let end = entry.firstIndex(of: UInt8(ascii: "\n"))
            else { continue }
            let holder = String(decoding: entry[..<end], as: UTF8.self)
            guard holder != worker.id else { continue }
            guard absences.isGone(holder, absent: try await isAbsent(holder), now: asked) else { continue }
            try await takeOver(field, entry, Array(entry[(end + 1)...]))
        }
    }

    private func isAbsent(_ worker: String) async throws -> Bool {
        let answer = try await redis.send(RedisCommand("PUBSUB", "NUMSUB", lifeLine + worker))
        return answer.elements?.last == .integer(0)
    }

    /// Makes itself responsible, unless somebody else was quicker, and gives the message back.
    private func takeOver(_ field: String, _ entry: [UInt8], _ envelope: [UInt8]) async throws {
        let own = Array("\(worker.id)\n".utf8) + envelope
        let answer = try await redis.run(Self.exchange, keys: [key], arguments: [field, entry, own])
        guard answer == .integer(1) else { return }
        do {
            try await giveBack(try KombuEnvelope.decode(envelope).task)
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
        guard keeper == nil, let redis, broker is RabbitBroker else { return self }
        var parts = self
        parts.keeper = HeldMessages(
            redis: redis,
            broker: broker,
            worker: identity,
            prefix: settings.keyPrefix,
            patience: settings.lease,
            logger: logger
        )
        return parts
    }
}

extension RedisValue {
    /// A map as the array that RESP2 has in its place.
    fileprivate var asArray: RedisValue { elements.map { .array($0) } ?? self }
}
