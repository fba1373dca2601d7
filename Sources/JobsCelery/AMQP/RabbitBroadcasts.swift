import Logging
import Support
import Synchronization

/// What is said to all workers: a queue of our own, bound to the exchange `celery.pidbox`, for as long as we are connected.
final class RabbitBroadcasts: AMQPChannelUser {
    private let logger: Logger
    private let state: Mutex<State>
    private let opened = AsyncLatch<Void>()

    private struct State {
        var node: String
        /// Another connection holds the queue of our name: a worker of the same name, or our own lost connection.
        var isNameTaken = false
        var listeners: [Int: AsyncStream<RawTask>.Continuation] = [:]
        var nextListener = 0
        var isOver = false
    }

    /// So many requests may wait for a listener; the oldest are lost.
    private static let most = 1000

    init(node: String, logger: Logger) {
        self.logger = logger
        state = Mutex(State(node: node))
    }

    /// Requests from now on.
    func listen() -> AsyncStream<RawTask> {
        let (stream, continuation) = AsyncStream<RawTask>.makeStream(bufferingPolicy: .bufferingNewest(Self.most))
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

    /// Waits until there is the queue, or the task is cancelled.
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
