import CeleryProtocol
import JobsCelery
import Support
import Synchronization

/// Consumes a queue of this process: requests to all workers, the replies to one, or results (`rpc://`). Only this
/// process can read them; a broker restart loses those that are not durable.
final class RabbitListener: AMQPChannelUser, RPCReplyQueue {
    let queue: String
    private let acknowledges: Bool
    private let declarations: @Sendable (String) -> [AMQPDeclaration]
    private let opened = AsyncLatch<Void>()
    private let state = Mutex(State())

    private struct State {
        /// By the task's ID, and "" for all other messages. Called with nil at the end.
        var listeners: [String: @Sendable (BrokerMessage?) -> Void] = [:]
        var batch = AckBatch()
        /// Another connection owns the queue: a worker of the same name, or this process' lost connection.
        var isNameTaken = false
        var isOver = false
    }

    /// - Parameter declarations: Returns the declarations of a queue of this name.
    init(
        _ queue: String,
        acknowledges: Bool = false,
        declarations: @escaping @Sendable (String) -> [AMQPDeclaration]
    ) {
        self.queue = queue
        self.acknowledges = acknowledges
        self.declarations = declarations
    }

    /// Waits until the queue exists or the task is cancelled.
    func ready() async { await opened.passed() }

    func results(of id: String) -> AsyncStream<BrokerMessage> { messages(of: id) }

    /// The messages of a task, or all others, from now on.
    ///
    /// - Parameter limit: The most messages buffered; beyond that the oldest are dropped.
    func messages(of id: String = "", atMost limit: Int = .max) -> AsyncStream<BrokerMessage> {
        let (stream, continuation) = AsyncStream<BrokerMessage>.makeStream(bufferingPolicy: .bufferingNewest(limit))
        continuation.onTermination = { [self] _ in state.withLock { _ = $0.listeners.removeValue(forKey: id) } }
        listen(to: id) { if let message = $0 { continuation.yield(message) } else { continuation.finish() } }
        return stream
    }

    /// Calls `heard` on the connection's thread with each message of a task, or with all others, and with nil at the
    /// end.
    func listen(to id: String = "", _ heard: @escaping @Sendable (BrokerMessage?) -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.listeners[id] = heard }
            return state.isOver
        }
        if isOver { heard(nil) }
    }

    func end(_ id: String) {
        state.withLock { $0.listeners[id] }?(nil)
    }

    // MARK: - On the connection's thread

    func open(_ channel: AMQPChannel) throws {
        let isTaken = state.withLock { $0.isNameTaken }
        let name = isTaken ? "\(queue)-\(UInt32.random(in: 1...UInt32.max))" : queue
        do {
            try channel.session.declare(declarations(name))
        } catch let closed as AMQPClosed where closed.code == 405 {
            state.withLock { $0.isNameTaken = true }
            throw closed
        }
        try channel.consume(name, tag: "dash", acknowledges: acknowledges)
        opened.open()
    }

    func receive(_ event: AMQPEvent) {
        guard case .delivered(let message) = event else { return }
        let heard = state.withLock { state in
            if acknowledges {
                state.batch.delivered(message.number)
                state.batch.acknowledge(message.number)
            }
            return state.listeners[message.task.correlationID ?? ""] ?? state.listeners[""]
        }
        heard?(message.task)
    }

    func work(on channel: AMQPChannel?) throws {
        try channel?.settle(state.withLock { $0.batch.take() })
    }

    func lost(_ error: CeleryError) {
        state.withLock { $0.batch = AckBatch() }
    }

    func ended() {
        let listeners = state.withLock { state in
            state.isOver = true
            return Array(state.listeners.values)
        }
        opened.open()
        for heard in listeners { heard(nil) }
    }
}
