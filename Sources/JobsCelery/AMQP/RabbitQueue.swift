import DashJSON

/// How a task queue is declared. Python and Swift must say the same, or the second of them is refused its declaration
/// (and then uses the queue as it is).
struct RabbitQueue: Sendable, Hashable {
    /// Python's `task_queue_max_priority`; nil, Celery's default, for a queue without priorities.
    var maximumPriority: Int?
    /// Python's `task_default_queue_type="quorum"`: a queue that is kept by several servers.
    var isQuorum = false

    /// As Celery declares a queue unless told otherwise.
    static let plain = RabbitQueue()

    var arguments: JSONObject {
        var arguments = JSONObject()
        if let maximumPriority { arguments["x-max-priority"] = .int(maximumPriority) }
        if isQuorum { arguments["x-queue-type"] = "quorum" }
        return arguments
    }

    /// What Celery declares for a task queue: an exchange of the queue's name, the queue, and the binding.
    func declarations(_ name: String) -> [AMQPDeclaration] {
        [
            .exchange(name, kind: "direct", isDurable: true),
            .queue(name, isDurable: true, arguments: arguments),
            .binding(queue: name, exchange: name, key: name),
        ]
    }
}

/// The names and declarations of Celery's remote control, events and `rpc://` results.
enum RabbitTopology {
    static let control = AMQPDeclaration.exchange("celery.pidbox", kind: "fanout", isDurable: false)
    static let replies = AMQPDeclaration.exchange("reply.celery.pidbox", kind: "direct", isDurable: false)
    static let events = AMQPDeclaration.exchange("celeryev", kind: "topic", isDurable: true)

    /// Where a node hears what is said to all workers.
    static func controlQueue(_ name: String) -> [AMQPDeclaration] {
        [
            control,
            .queue(
                name,
                isDurable: false,
                isExclusive: true,
                deletesItself: true,
                arguments: ["x-expires": 10_000, "x-message-ttl": 300_000]
            ),
            .binding(queue: name, exchange: "celery.pidbox", key: ""),
        ]
    }

    static func replyQueueName(_ id: String) -> String { id + ".reply.celery.pidbox" }

    /// Where answers to a question to all workers arrive.
    static func replyQueue(_ id: String) -> [AMQPDeclaration] {
        [
            replies,
            .queue(
                replyQueueName(id),
                isDurable: false,
                isExclusive: true,
                deletesItself: true,
                arguments: ["x-expires": 10_000]
            ),
            .binding(queue: replyQueueName(id), exchange: "reply.celery.pidbox", key: id),
        ]
    }

    /// Where the results of this process' tasks arrive. Unlike Celery's it does not delete itself when its consumer goes, so
    /// that results that come while the connection is mended are not lost; nobody else declares it. It ends by itself.
    static func resultQueue(_ name: String) -> [AMQPDeclaration] {
        [.queue(name, isDurable: true, arguments: ["x-expires": 86_400_000])]
    }
}

/// What may be chosen about RabbitMQ.
struct RabbitOptions: Sendable {
    /// The node's name, of which the queue of remote control gets its name; nil: that of the first consumer.
    var node: String?
    /// How queues are declared; those not named are plain.
    var queues: [String: RabbitQueue] = [:]
    /// How long, in milliseconds, a message waits for a connection, and then for the server's confirmation.
    var publishTimeout: Int64 = 10_000

    func queue(_ name: String) -> RabbitQueue {
        queues[name] ?? .plain
    }
}
