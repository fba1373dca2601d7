import CeleryProtocol
import DashJSON
import JobsCelery
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// The RabbitMQ broker. It has two connections, because the server stops reading from publishing connections when it is
/// short of memory or disk: one publishes, the other consumes and settles.
final class RabbitBroker: RPCBroker {
    private let url: AMQPURL
    private let options: RabbitOptions
    private let publishing: AMQPConnection
    private let receiving: AMQPConnection
    private let publisher: RabbitPublisher
    private let events: RabbitEvents
    /// The results of this process' tasks. Workers send them to the task's `reply_to`.
    private let replies: RabbitListener
    private let state: Mutex<State>

    private struct State {
        var node: String?
        var broadcasts: RabbitListener?
    }

    /// - Throws: `CeleryError` if the system is out of files or threads.
    init(_ url: AMQPURL, options: RabbitOptions = RabbitOptions(), logger: Logger) throws {
        self.url = url
        self.options = options
        publishing = try AMQPConnection(url, name: "dash-swift publisher", logger: logger)
        receiving = try AMQPConnection(url, name: "dash-swift consumer", logger: logger)
        publisher = RabbitPublisher(publishing, options: options)
        events = RabbitEvents(publishing, logger)
        let results = "dash-results-\(UInt64.random(in: 0...UInt64.max))-\(UInt64.random(in: 0...UInt64.max))"
        replies = RabbitListener(results, acknowledges: true, declarations: RabbitTopology.resultQueue)
        state = Mutex(State(node: options.node))
        publishing.attach(publisher)
        publishing.attach(events)
    }

    var information: JSON {
        let (virtualHost, usesTLS) = (url.virtualHost, url.tls != nil)
        return BrokerInformation.json(
            "amqp",
            url.host,
            url.port,
            userID: url.user,
            virtualHost: virtualHost,
            usesTLS: usesTLS
        )
    }

    var priorities: [Int] { [9, 5, 2, 0] }

    /// Keeps both connections open until the task is cancelled or, after a graceful shutdown, the last consumer has
    /// ended.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { [publishing, receiving] group in
            group.addTask { try await publishing.run() }
            group.addTask {
                try await receiving.run()
                publishing.stop()
            }
            group.addTask {
                try? await gracefulShutdown()
                receiving.finish()
            }
            try await group.waitForAll()
        }
    }

    func publish(_ task: BrokerMessage) async throws {
        try await publisher.publish(task, as: .queued)
    }

    /// Uses the consuming connection, which the server reads even when it does not accept messages.
    func waiting(in queue: String) async throws -> Int {
        try AMQPName.check(queue)
        return try await receiving.perform(within: options.publishTimeout) { try $0.messages(in: queue) }
    }

    /// RabbitMQ's `consumer_timeout`.
    var limitsAcknowledgementTime: Bool { true }

    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) throws -> any CeleryConsumer {
        for name in queues + [worker.node + ".celery.pidbox"] { try AMQPName.check(name) }
        state.withLock { state in
            if state.node == nil { state.node = worker.node }
        }
        return RabbitConsumer(receiving, queues: queues, prefetch: prefetch, options: options)
    }

    func broadcast(_ request: BrokerMessage) async throws {
        try await publisher.publish(request, as: .broadcast)
    }

    func broadcasts() -> AsyncStream<BrokerMessage> {
        let node = state.withLock { $0.node } ?? "dash-\(UInt64.random(in: 0...UInt64.max))"
        let listener = RabbitListener(node + ".celery.pidbox", declarations: RabbitTopology.controlQueue)
        let requests = listener.messages(atMost: 1000)
        state.withLock { $0.broadcasts = listener }
        receiving.attach(listener)
        return requests
    }

    func hearsBroadcasts() async {
        await state.withLock { $0.broadcasts }?.ready()
    }

    func reply(_ reply: BrokerMessage) async throws {
        var reply = reply
        reply.exchange = "reply.celery.pidbox"
        try await publisher.publish(reply, as: .broadcast)
    }

    func publishEvent(_ event: BrokerMessage) async {
        events.publish(event)
    }

    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws {
        let id = UniqueID.random().text
        let answers = RabbitListener(id + ".reply.celery.pidbox") { RabbitTopology.replyQueue($0, key: id) }
        answers.listen { if let answer = $0 { heard(answer) } }
        receiving.attach(answers)
        defer { receiving.detach(answers) }
        await answers.ready()
        do {
            try await publisher.publish(request.answered(at: id).message(), as: .question)
        } catch let error as CeleryError where error.code == .server {
            // The message was returned: no worker is listening.
            return sent()
        }
        sent()
        // RabbitMQ does not report the number of listeners, so wait for the whole time, as Celery does.
        try? await Task.sleep(for: time)
    }

    // MARK: - Results without a result backend (rpc://)

    var replyQueue: any RPCReplyQueue {
        receiving.attach(replies)
        return replies
    }

    func publishResult(_ meta: [UInt8], of id: String, to replyTo: String) async throws {
        var message = BrokerMessage()
        message.body = meta
        message.routingKey = replyTo
        message.correlationID = id
        try await publisher.publish(message, as: .broadcast)
    }
}
