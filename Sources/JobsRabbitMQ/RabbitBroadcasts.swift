import CeleryProtocol
import DashJSON
import JobsCelery
import Logging
import Support
import Synchronization

/// Receives requests to all workers on an exclusive queue that is bound to the exchange `celery.pidbox`.
final class RabbitBroadcasts: AMQPChannelUser {
    private let logger: Logger
    private let state: Mutex<State>
    private let opened = AsyncLatch<Void>()

    private struct State {
        var node: String
        /// Another connection owns the queue of this name: a worker of the same name, or this process' lost connection.
        var isNameTaken = false
        var listeners: [Int: AsyncStream<BrokerMessage>.Continuation] = [:]
        var nextListener = 0
        var isOver = false
    }

    /// The most requests buffered for a listener; beyond that the oldest are dropped.
    private static let most = 1000

    init(node: String, logger: Logger) {
        self.logger = logger
        state = Mutex(State(node: node))
    }

    /// The requests from now on.
    func listen() -> AsyncStream<BrokerMessage> {
        let (stream, continuation) = AsyncStream<BrokerMessage>.makeStream(bufferingPolicy: .bufferingNewest(Self.most))
        let id = state.withLock { state -> Int? in
            guard !state.isOver else { return nil }
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [self] _ in
            state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Waits until the queue exists or the task is cancelled.
    func ready() async { await opened.passed() }

    func open(_ channel: AMQPChannel) throws {
        let (node, isTaken) = state.withLock { ($0.node, $0.isNameTaken) }
        let queue = (isTaken ? "\(node)-\(UInt32.random(in: 1...UInt32.max))" : node) + ".celery.pidbox"
        do {
            for difference in try channel.session.declare(RabbitTopology.controlQueue(queue)) {
                logger.warning("\(difference)")
            }
        } catch AMQPClosed.channel(let number, code: 405, let text) {
            state.withLock { $0.isNameTaken = true }
            throw AMQPClosed.channel(number, code: 405, text: text)
        }
        try channel.consume(queue, tag: "control", acknowledges: false)
        opened.open()
    }

    func receive(_ event: AMQPEvent) {
        guard case .delivered(let message) = event else { return }
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(message.task) }
    }

    func work(on channel: AMQPChannel?) throws {}

    func lost(_ error: CeleryError) {}

    func ended() {
        let listeners = state.withLock { state in
            state.isOver = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        opened.open()
        for listener in listeners { listener.finish() }
    }
}

/// Publishes events, unconfirmed. Events that cannot be sent immediately are dropped: they are worthless later.
final class RabbitEvents: AMQPChannelUser {
    private let connection: AMQPConnection
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var waiting: [BrokerMessage] = []
        var isOpen = false
    }

    /// The most events queued for the thread; further ones are dropped.
    private static let most = 2000

    init(_ connection: AMQPConnection, logger: Logger) {
        self.connection = connection
        self.logger = logger
    }

    /// Queues an event. Does not wait.
    func publish(_ event: BrokerMessage) {
        var event = event
        event.exchange = "celeryev"
        state.withLock { state in
            if state.isOpen, state.waiting.count < Self.most { state.waiting.append(event) }
        }
        connection.wake()
    }

    func open(_ channel: AMQPChannel) throws {
        for difference in try channel.session.declare([RabbitTopology.events]) { logger.warning("\(difference)") }
        state.withLock { $0.isOpen = true }
    }

    func receive(_ event: AMQPEvent) {}

    func work(on channel: AMQPChannel?) throws {
        let events = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        guard let channel, channel.session.blocked == nil else { return }
        for event in events {
            do {
                try channel.publish(event, mandatory: false)
            } catch let error as CeleryError {
                logger.debug("Could not send an event: \(error)")
            }
        }
    }

    func lost(_ error: CeleryError) {
        state.withLock { $0 = State() }
    }

    func ended() {
        state.withLock { $0 = State() }
    }
}

/// Receives the replies to a request to all workers on an exclusive queue.
final class ControlAnswers: AMQPChannelUser {
    private let id: String
    private let heard: @Sendable (BrokerMessage) -> Void
    private let opened = AsyncLatch<Void>()

    init(_ id: String, _ heard: @escaping @Sendable (BrokerMessage) -> Void) {
        self.id = id
        self.heard = heard
    }

    /// Waits until the queue exists or the task is cancelled.
    func ready() async { await opened.passed() }

    func open(_ channel: AMQPChannel) throws {
        _ = try channel.session.declare(RabbitTopology.replyQueue(id))
        try channel.consume(RabbitTopology.replyQueueName(id), tag: "answers", acknowledges: false)
        opened.open()
    }

    func receive(_ event: AMQPEvent) {
        if case .delivered(let message) = event { heard(message.task) }
    }

    func work(on channel: AMQPChannel?) throws {}

    func lost(_ error: CeleryError) {}

    func ended() { opened.open() }
}
