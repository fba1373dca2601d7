import DashJSON
import Logging
import ServiceLifecycle
import Synchronization

/// RabbitMQ as a broker. Two connections, because the server stops reading from those that publish when it is short of
/// memory or disk: one publishes, the other consumes and settles, and never waits for the first.
final class RabbitBroker: CeleryBroker {
    let information: BrokerInformation
    let priorities = [9, 5, 2, 0]
    private let options: RabbitOptions
    private let logger: Logger
    private let publishing: AMQPConnection
    let receiving: AMQPConnection
    let publisher: RabbitPublisher
    private let events: RabbitEvents
    /// A graceful shutdown waits for them.
    private let consumers = RunningConsumers()
    private let state: Mutex<State>

    private struct State {
        var node: String?
        var counts: RabbitCounts?
        var broadcasts: RabbitBroadcasts?
        var replies: RPCReplies?
    }

    /// - Throws: `CeleryError` if the system has no more files or threads.
    init(_ url: AMQPURL, options: RabbitOptions = RabbitOptions(), logger: Logger) throws {
        self.options = options
        self.logger = logger
        information = BrokerInformation(
            transport: "amqp",
            hostname: url.host,
            port: url.port,
            userID: url.user,
            virtualHost: url.virtualHost,
            usesTLS: url.tls != nil
        )
        publishing = try AMQPConnection(url, name: "dash-swift publisher", logger: logger)
        receiving = try AMQPConnection(url, name: "dash-swift consumer", logger: logger)
        publisher = RabbitPublisher(publishing, options: options, logger: logger)
        events = RabbitEvents(publishing, logger: logger)
        state = Mutex(State(node: options.node))
        publishing.attach(publisher)
        publishing.attach(events)
    }

    /// Keeps both connections until the task is cancelled, or after a graceful shutdown until the last consumer has ended.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { [publishing, receiving] group in
            group.addTask { try await publishing.run() }
            group.addTask { try await receiving.run() }
            group.addTask { [self] in
                try? await gracefulShutdown()
                if !Task.isCancelled { await consumers.ended() }
                receiving.stop()
                publishing.stop()
            }
            try await group.waitForAll()
        }
    }

    func publish(_ task: RawTask) async throws {
        try await publisher.publish(task, as: .queued)
    }

    /// Asked on the connection that the server reads from even when it takes no messages.
    func waiting(in queue: String) async throws -> Int {
        try AMQPName.check(queue)
        let (counts, isNew) = state.withLock { state -> (RabbitCounts, Bool) in
            if let counts = state.counts { return (counts, false) }
            let counts = RabbitCounts(receiving, timeout: options.publishTimeout)
            state.counts = counts
            return (counts, true)
        }
        if isNew { receiving.attach(counts) }
        return try await counts.count(of: queue)
    }

    /// After its `consumer_timeout`.
    var limitsAcknowledgementTime: Bool { true }

    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) throws -> any CeleryConsumer {
        for name in queues + [worker.node + ".celery.pidbox"] { try AMQPName.check(name) }
        state.withLock { state in
            if state.node == nil { state.node = worker.node }
        }
        return RabbitConsumer(
            receiving,
            queues: queues,
            prefetch: prefetch,
            options: options,
            logger: logger,
            running: consumers
        )
    }

    func broadcast(_ request: RawTask) async throws {
        var request = request
        (request.exchange, request.routingKey) = ("celery.pidbox", "")
        try await publisher.publish(request, as: .broadcast)
    }

    func broadcasts() -> AsyncStream<RawTask> {
        let (listener, isNew) = state.withLock { state -> (RabbitBroadcasts, Bool) in
            if let listener = state.broadcasts { return (listener, false) }
            let node = state.node ?? "dash-\(UInt64.random(in: 0...UInt64.max))"
            let listener = RabbitBroadcasts(node: node, logger: logger)
            state.broadcasts = listener
            return (listener, true)
        }
        let stream = listener.listen()
        if isNew { receiving.attach(listener) }
        return stream
    }

    func hearsBroadcasts() async {
        await state.withLock { $0.broadcasts }?.ready()
    }

    func reply(_ reply: RawTask) async throws {
        var reply = reply
        reply.exchange = "reply.celery.pidbox"
        reply.isPersistent = false
        try await publisher.publish(reply, as: .broadcast)
    }

    func publishEvent(_ event: RawTask) async {
        var event = event
        event.isPersistent = false
        events.publish(event)
    }

    // MARK: - Results without a result backend (rpc://)

    /// The queue of this process' results, declared when it is first asked for.
    func replies() -> RPCReplies {
        let (replies, isNew) = state.withLock { state -> (RPCReplies, Bool) in
            if let replies = state.replies { return (replies, false) }
            let queue = "dash-results-\(UInt64.random(in: 0...UInt64.max))-\(UInt64.random(in: 0...UInt64.max))"
            let replies = RPCReplies(receiving, queue: queue, logger: logger)
            state.replies = replies
            return (replies, true)
        }
        if isNew { receiving.attach(replies) }
        return replies
    }

    /// Sends a task's meta (JSON) to whoever sent the task; a sender that is gone is no error.
    func publishResult(_ meta: [UInt8], of id: String, to replyTo: String) async throws {
        var message = RawTask()
        message.body = meta
        message.routingKey = replyTo
        message.correlationID = id
        try await publisher.publish(message, as: .broadcast)
    }
}
