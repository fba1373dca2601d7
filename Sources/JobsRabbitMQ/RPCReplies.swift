import CeleryProtocol
import JobsCelery
import Logging
import Synchronization

/// Receives the results of this process' tasks without a result backend (`rpc://`): workers send them to this process'
/// queue, named by the task's `reply_to`. Only this process can read them, and a broker restart loses those in transit.
final class RPCReplies: AMQPChannelUser, RPCReplyQueue {
    /// The queue's name, sent as the `reply_to` of tasks.
    let queue: String
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var listeners: [String: AsyncStream<BrokerMessage>.Continuation] = [:]
        var batch = AckBatch()
        var isOpen = false
        var isOver = false
        /// Callers that wait for the queue to be declared.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    init(queue: String, logger: Logger) {
        self.queue = queue
        self.logger = logger
    }

    /// The metas of a task, in order, from now on; subscribe before sending the task. The listener ends the stream.
    func results(of id: String) -> AsyncStream<BrokerMessage> {
        let (stream, continuation) = AsyncStream<BrokerMessage>.makeStream()
        let isOver = state.withLock { state in
            if !state.isOver { state.listeners[id] = continuation }
            return state.isOver
        }
        if isOver { continuation.finish() }
        continuation.onTermination = { [self] _ in
            state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Finishes the stream of a task.
    func end(_ id: String) {
        state.withLock { $0.listeners[id] }?.finish()
    }

    /// Waits until the queue has been declared once: a result sent before that is lost.
    func ready() async {
        await withCheckedContinuation { caller in
            let isReady = state.withLock { state in
                if !state.isOpen, !state.isOver { state.waiting.append(caller) }
                return state.isOpen || state.isOver
            }
            if isReady { caller.resume() }
        }
    }

    func open(_ channel: AMQPChannel) throws {
        for difference in try channel.session.declare(RabbitTopology.resultQueue(queue)) {
            logger.warning("\(difference)")
        }
        try channel.consume(queue, tag: "results", acknowledges: true)
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for caller in waiting { caller.resume() }
    }

    func receive(_ event: AMQPEvent) {
        guard case .delivered(let message) = event else { return }
        let listener = state.withLock { state in
            state.batch.delivered(message.number)
            state.batch.acknowledge(message.number)
            return state.listeners[message.task.correlationID ?? ""]
        }
        listener?.yield(message.task)
    }

    func work(on channel: AMQPChannel?) throws {
        guard let channel else { return }
        let frames = state.withLock { $0.batch.isEmpty ? [] : $0.batch.take() }
        for case .acknowledge(let number, let multiple) in frames {
            try channel.acknowledge(number, multiple: multiple)
        }
    }

    func lost(_ error: CeleryError) {
        state.withLock { $0.batch = AckBatch() }
    }

    func ended() {
        let (listeners, waiting) = state.withLock { state in
            state.isOver = true
            defer { (state.listeners, state.waiting) = ([:], []) }
            return (Array(state.listeners.values), state.waiting)
        }
        for listener in listeners { listener.finish() }
        for caller in waiting { caller.resume() }
    }
}
