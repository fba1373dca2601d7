import DashJSON
import JobsCelery

/// How a task queue is declared. Python and Swift should use the same arguments: RabbitMQ refuses the second
/// declaration if they differ, and the queue is then used unchanged.
struct RabbitQueue: Sendable, Hashable {
    /// Python's `task_queue_max_priority`; nil, Celery's default, for a queue without priorities.
    private let maximumPriority: Int?

    init(maximumPriority: Int? = nil) {
        self.maximumPriority = maximumPriority
    }

    /// Celery's default declaration.
    static let plain = RabbitQueue()

    var arguments: JSONObject {
        var arguments = JSONObject()
        if let maximumPriority { arguments["x-max-priority"] = .int(maximumPriority) }
        return arguments
    }

    /// Celery's declarations for a task queue: an exchange with the queue's name, the queue, and the binding.
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

    /// The queue on which a node receives requests to all workers.
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

    /// The queue for the replies to a request to all workers.
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

    /// The queue for the results of this process' tasks. Unlike Celery's it is not deleted with its consumer, so that
    /// results that arrive during a reconnection are kept. It expires when unused.
    static func resultQueue(_ name: String) -> [AMQPDeclaration] {
        [.queue(name, isDurable: true, arguments: ["x-expires": 86_400_000])]
    }
}

struct RabbitOptions: Sendable {
    /// The node's name, from which the remote control queue gets its name; nil for that of the first consumer.
    var node: String?
    /// How queues are declared; queues not listed are plain.
    var queues: [String: RabbitQueue] = [:]
    /// The timeout of a message, in milliseconds: for a connection and the server's confirmation.
    var publishTimeout: Int64 = 10_000

    func queue(_ name: String) -> RabbitQueue {
        queues[name] ?? .plain
    }
}
