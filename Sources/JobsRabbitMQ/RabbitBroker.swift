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
    private let logger: Logger
    private let publishing: AMQPConnection
    private let receiving: AMQPConnection
    private let publisher: RabbitPublisher
    private let events: RabbitEvents
    /// A graceful shutdown waits for these.
    private let consumers = RunningConsumers()
    private let state: Mutex<State>

    private struct State {
        var node: String?
        var counts: RabbitCounts?
        var broadcasts: RabbitBroadcasts?
        var replies: RPCReplies?
    }

    /// - Throws: `CeleryError` if the system is out of files or threads.
    init(_ url: AMQPURL, options: RabbitOptions = RabbitOptions(), logger: Logger) throws {
        self.url = url
        self.options = options
        self.logger = logger
        publishing = try AMQPConnection(url, name: "dash-swift publisher", logger: logger)
        receiving = try AMQPConnection(url, name: "dash-swift consumer", logger: logger)
        publisher = RabbitPublisher(publishing, options: options, logger: logger)
        events = RabbitEvents(publishing, logger: logger)
        state = Mutex(State(node: options.node))
        publishing.attach(publisher)
        publishing.attach(events)
    }

    var information: JSON {
        let (virtualHost, usesTLS) = (url.virtualHost, url.tls != nil)
        return .broker("amqp", url.host, url.port, userID: url.user, virtualHost: virtualHost, usesTLS: usesTLS)
    }

    var priorities: [Int] { [9, 5, 2, 0] }

    /// Keeps both connections open until the task is cancelled or, after a graceful shutdown, the last consumer has
    /// ended.
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

    func publish(_ task: BrokerMessage) async throws {
        try await publisher.publish(task, as: .queued)
    }

    /// Uses the consuming connection, which the server reads even when it does not accept messages.
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

    /// RabbitMQ's `consumer_timeout`.
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
            heartbeat: url.heartbeat,
            options: options,
            logger: logger,
            running: consumers
        )
    }

    func broadcast(_ request: BrokerMessage) async throws {
        var request = request
        (request.exchange, request.routingKey) = ("celery.pidbox", "")
        try await publisher.publish(request, as: .broadcast)
    }

    func broadcasts() -> AsyncStream<BrokerMessage> {
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

    func reply(_ reply: BrokerMessage) async throws {
        var reply = reply
        reply.exchange = "reply.celery.pidbox"
        reply.isPersistent = false
        try await publisher.publish(reply, as: .broadcast)
    }

    func publishEvent(_ event: BrokerMessage) async {
        var event = event
        event.isPersistent = false
        events.publish(event)
    }

    // MARK: - Results without a result backend (rpc://)

    /// The queue of this process' results, declared on first use.
    var replyQueue: any RPCReplyQueue { replies() }

    func replies() -> RPCReplies {
        let (replies, isNew) = state.withLock { state -> (RPCReplies, Bool) in
            if let replies = state.replies { return (replies, false) }
            let queue = "dash-results-\(UInt64.random(in: 0...UInt64.max))-\(UInt64.random(in: 0...UInt64.max))"
            let replies = RPCReplies(queue: queue, logger: logger)
            state.replies = replies
            return (replies, true)
        }
        if isNew { receiving.attach(replies) }
        return replies
    }

    /// Sends a task's meta (JSON) to the task's sender. A missing sender is not an error.
    func publishResult(_ meta: [UInt8], of id: String, to replyTo: String) async throws {
        var message = BrokerMessage()
        message.body = meta
        message.routingKey = replyTo
        message.correlationID = id
        try await publisher.publish(message, as: .broadcast)
    }
}

// MARK: - Requests to all workers

extension RabbitBroker {
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws {
        let id = UniqueID.random().text
        let answers = ControlAnswers(id, heard)
        let result = await listening(to: answers) {
            await answers.ready()
            var message = request.answered(at: id).message()
            (message.exchange, message.routingKey) = ("celery.pidbox", "")
            do {
                try await self.publisher.publish(message, as: .question)
            } catch let error as CeleryError where error.code == .server {
                // The message was returned: no worker is listening.
                return sent()
            }
            sent()
            // RabbitMQ does not report the number of listeners, so wait for the whole time, as Celery does.
            try? await Task.sleep(for: time)
        }
        try result.get()
    }

    private func listening(
        to answers: ControlAnswers,
        _ body: () async throws -> Void
    ) async -> Result<Void, any Error> {
        receiving.attach(answers)
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await receiving.detach(answers)
        return result
    }
}

/// Reads the number of messages waiting in queues.
final class RabbitCounts: AMQPChannelUser {
    private let connection: AMQPConnection
    private let timeout: Int64
    private let state = Mutex(State())

    private struct State {
        var questions: [Question] = []
        var isOver = false
    }

    private struct Question {
        var queue: String
        var deadline: Int64
        var caller: CheckedContinuation<Int, any Error>
    }

    /// - Parameter timeout: How long a request waits for a connection, in milliseconds.
    init(_ connection: AMQPConnection, timeout: Int64) {
        self.connection = connection
        self.timeout = timeout
    }

    /// The number of messages waiting in a queue; 0 if it does not exist.
    ///
    /// - Throws: `CeleryError`.
    func count(of queue: String) async throws -> Int {
        try await withCheckedThrowingContinuation { caller in
            let isOver = state.withLock { state in
                let deadline = AMQPClock.now + timeout
                if !state.isOver { state.questions.append(Question(queue: queue, deadline: deadline, caller: caller)) }
                return state.isOver
            }
            if isOver { caller.resume(throwing: Self.noConnection) } else { connection.wake() }
        }
    }

    private static var noConnection: CeleryError { CeleryError(.unreachable, "Not connected to RabbitMQ.") }

    // MARK: - On the connection's thread

    var deadline: Int64? { state.withLock { $0.questions.first?.deadline } }

    func open(_ channel: AMQPChannel) throws {}

    func receive(_ event: AMQPEvent) {}

    func work(on channel: AMQPChannel?) throws {
        let late = state.withLock { state in
            let now = AMQPClock.now
            let isLate = { (question: Question) in channel == nil && question.deadline <= now }
            defer { state.questions.removeAll(where: isLate) }
            return state.questions.filter(isLate)
        }
        for question in late { question.caller.resume(throwing: Self.noConnection) }
        while let channel, let question = state.withLock({ $0.questions.first }) {
            // Stays queued for the next connection if this one is lost.
            let answer = try Self.answer(to: question, on: channel.session)
            state.withLock { _ = $0.questions.removeFirst() }
            question.caller.resume(with: answer)
        }
    }

    private static func answer(to question: Question, on session: AMQPSession) throws -> Result<Int, any Error> {
        do {
            return .success(try session.messages(in: question.queue))
        } catch AMQPClosed.channel(AMQPSession.scratchChannel, let code, let text) {
            return .failure(AMQPClosed.error(code: code, text: text))
        }
    }

    func lost(_ error: CeleryError) {}

    func ended() {
        let questions = state.withLock { state in
            state.isOver = true
            defer { state.questions = [] }
            return state.questions
        }
        for question in questions { question.caller.resume(throwing: Self.noConnection) }
    }
}

/// Counts running consumers.
final class RunningConsumers: Sendable {
    private let count = Mutex(0)
    private let changed = AsyncSignal()

    func begin() {
        count.withLock { $0 += 1 }
    }

    func end() {
        count.withLock { $0 -= 1 }
        changed.signal()
    }

    /// Waits until none is running or the task is cancelled. Only one task may wait.
    func ended() async {
        while count.withLock({ $0 > 0 }), await changed.wait() {}
    }
}
