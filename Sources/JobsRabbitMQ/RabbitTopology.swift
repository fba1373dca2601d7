import DashJSON

struct RabbitOptions: Sendable {
    /// The node's name, from which the remote control queue gets its name; nil for that of the first consumer.
    var node: String?
    /// The queue with priorities.
    var queue = ""
    /// Python's `task_queue_max_priority` for the queue; nil, Celery's default, for none.
    var maximumPriority: Int?
    /// The timeout of a message, in milliseconds: for a connection and the server's confirmation.
    var publishTimeout: Int64 = 10_000

    /// Celery's declarations for a task queue: an exchange with the queue's name, the queue, and the binding.
    ///
    /// Python and Swift should use the same arguments: RabbitMQ refuses the second declaration if they differ, and the
    /// queue is then used unchanged.
    func declarations(_ name: String) -> [AMQPDeclaration] {
        var arguments = JSONObject()
        if name == queue, let maximumPriority { arguments["x-max-priority"] = .int(maximumPriority) }
        return [
            .exchange(name, kind: "direct", isDurable: true),
            .queue(name, isDurable: true, arguments: arguments),
            .binding(queue: name, exchange: name, key: name),
        ]
    }
}

/// The declarations of Celery's remote control, events and `rpc://` results.
enum RabbitTopology {
    static let control = AMQPDeclaration.exchange("celery.pidbox", kind: "fanout", isDurable: false)
    static let replies = AMQPDeclaration.exchange("reply.celery.pidbox", kind: "direct", isDurable: false)
    static let events = AMQPDeclaration.exchange("celeryev", kind: "topic", isDurable: true)

    /// The queue on which a node receives requests to all workers.
    static func controlQueue(_ name: String) -> [AMQPDeclaration] {
        [
            control,
            .queue(name, isDurable: false, arguments: ["x-expires": 10_000, "x-message-ttl": 300_000]),
            .binding(queue: name, exchange: "celery.pidbox", key: ""),
        ]
    }

    /// The queue for the replies to a request to all workers.
    static func replyQueue(_ name: String, key: String) -> [AMQPDeclaration] {
        [
            replies, .queue(name, isDurable: false, arguments: ["x-expires": 10_000]),
            .binding(queue: name, exchange: "reply.celery.pidbox", key: key),
        ]
    }

    /// The queue for the results of this process' tasks. Unlike Celery's it is not deleted with its consumer, so that
    /// results that arrive during a reconnection are kept. It expires when unused.
    static func resultQueue(_ name: String) -> [AMQPDeclaration] {
        [.queue(name, isDurable: true, arguments: ["x-expires": 86_400_000])]
    }
}
