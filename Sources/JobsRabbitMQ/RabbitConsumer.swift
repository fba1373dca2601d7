import CeleryProtocol
import JobsCelery
import Support
import Synchronization

/// A worker's RabbitMQ consumer: one channel that consumes all its queues.
///
/// Reopens a lost connection, or a channel that the server closed (for example after its `consumer_timeout`); running
/// tasks stay with this worker.
final class RabbitConsumer: CeleryConsumer, AMQPChannelUser {
    private let options: RabbitOptions
    private let connection: AMQPConnection
    private let state: Mutex<State>
    /// Wakes a waiting fetch.
    private let bell = AsyncSignal()
    private let over = AsyncLatch<Void>()

    private struct State {
        var deliveries: RabbitDeliveries
        var subscriptions: Subscriptions
        var prefetch: Int
        /// The server refuses a limit for the whole channel because of a quorum queue.
        var refusesChannelLimit = false
        var declared: Set<String> = []
        /// Callers that wait until a queue is consumed or cancelled.
        var changes: [(queue: String, caller: CheckedContinuation<Void, any Error>)] = []
        /// The worker's lease has expired: its deliveries go to other workers, and nothing is consumed.
        var isLapsed = false
        /// The earliest time to consume again after a queue was deleted.
        var consumesAt: Int64 = 0

        var limit: Int { prefetch > 0 ? prefetch + deliveries.parkedCount : 0 }
    }

    init(_ connection: AMQPConnection, queues: [String], prefetch: Int, options: RabbitOptions) {
        self.connection = connection
        self.options = options
        // A loss is detected after two heartbeats; one more for a delayed thread.
        let unheard = Int64(connection.heartbeat) * 3000
        let deliveries = RabbitDeliveries(unheard: unheard > 0 ? unheard : SettledMessages.patience)
        state = Mutex(State(deliveries: deliveries, subscriptions: Subscriptions(queues), prefetch: prefetch))
    }

    /// Consumes until the task is cancelled or the broker closes the connection; unsettled messages then return to
    /// their queues. A graceful shutdown does not end it, so that running tasks can be settled.
    func run() async throws {
        connection.attach(self)
        await over.passed()
        await withCheckedContinuation { done in connection.detach(self) { done.resume() } }
    }

    func fetch(upTo limit: Int) async -> [Delivery] {
        while !Task.isCancelled {
            let deliveries: [Delivery]? = state.withLock { state in
                if over.current != nil || state.subscriptions.isStopped { return [] }
                return state.deliveries.hasReady ? state.deliveries.take(upTo: limit) : nil
            }
            if let deliveries { return deliveries }
            await bell.wait()
        }
        return []
    }

    func settle(_ delivery: Delivery, as settlement: Settlement) {
        state.withLock { $0.deliveries.settle(delivery.tag, as: settlement, now: AMQPClock.now) }
        connection.wake()
    }

    /// Acknowledges the delivery, as no script can do that in RabbitMQ.
    func settled(_ delivery: Delivery) { settle(delivery, as: .acknowledged) }

    func leaseLapsed(_ isOver: Bool) {
        state.withLock { $0.isLapsed = isOver }
        connection.wake()
    }

    func setPrefetch(_ prefetch: Int) {
        state.withLock { $0.prefetch = prefetch }
        connection.wake()
    }

    var queues: [String] { state.withLock { $0.subscriptions.wanted } }

    func stopFetching() {
        state.withLock { state in
            state.subscriptions.isStopped = true
            state.deliveries.stop()
        }
        bell.signal()
        connection.wake()
    }

    func add(queue: String) async throws {
        try AMQPName.check(queue)
        try await change(queue) { $0.add(queue) }
    }

    func cancel(queue: String) async throws {
        try await change(queue) { $0.remove(queue) }
    }

    /// Changes the consumed queues and waits until that is done. Without a connection the change is applied later and
    /// this returns immediately.
    private func change(_ queue: String, _ body: (inout Subscriptions) -> Void) async throws {
        try await withCheckedThrowingContinuation { caller in
            let isWaiting = state.withLock { state in
                body(&state.subscriptions)
                guard state.deliveries.isOpen, !state.subscriptions.isSettled(queue) else { return false }
                state.changes.append((queue, caller))
                return true
            }
            connection.wake()
            if !isWaiting { caller.resume() }
        }
    }

    func ended() {
        over.open()
        lost(CeleryError(.connectionLost, "The connection was closed."))
        bell.signal()
    }
}

// MARK: - On the connection's thread

extension RabbitConsumer {
    /// How long to wait before consuming again after a queue was deleted, in milliseconds.
    private static let pauseAfterCancellation: Int64 = 1000

    func open(_ channel: AMQPChannel) throws {
        state.withLock { $0.deliveries.opened(now: AMQPClock.now) }
    }

    func receive(_ event: AMQPEvent) {
        state.withLock { state in
            switch event {
            case .delivered(let message):
                let queue = state.subscriptions.queue(of: message.consumerTag)
                state.deliveries.deliver(message, queue: queue, now: AMQPClock.now)
            case .consumerCancelled(let tag):
                if let queue = state.subscriptions.queue(of: tag) { state.declared.remove(queue) }
                state.subscriptions.didCancel(tag)
                state.consumesAt = AMQPClock.now + Self.pauseAfterCancellation
            case .returned, .confirmed, .refused: break
            }
        }
    }

    func work(on channel: AMQPChannel?) throws {
        state.withLock { $0.deliveries.release(dueAt: WallClock.milliseconds()) }
        if let channel {
            try subscribe(on: channel)
            try channel.settle(state.withLock { $0.deliveries.takeFrames() })
        }
        if state.withLock({ $0.deliveries.hasReady }) { bell.signal() }
    }

    /// Closing the channel makes the server redeliver all unsettled messages to other workers.
    var wantsChannel: Bool { state.withLock { !$0.isLapsed } }

    var keepsConnection: Bool { true }

    /// Makes the server's consumers match the wanted queues.
    private func subscribe(on channel: AMQPChannel) throws {
        let wholeChannel = channel.session.allowsChannelLimit && !state.withLock { $0.refusesChannelLimit }
        let plan = state.withLock { $0.subscriptions.plan(limit: $0.limit, wholeChannel: wholeChannel) }
        for tag in plan.cancel {
            try channel.cancel(tag: tag)
            state.withLock { state in
                if let queue = state.subscriptions.queue(of: tag), !state.subscriptions.wanted.contains(queue) {
                    state.deliveries.leave(queue: queue)
                }
                state.subscriptions.didCancel(tag)
            }
        }
        // Prefetch is 0: messages that arrived before the server applied it go to other workers.
        state.withLock { if $0.limit == 0 { $0.deliveries.returnReady() } }
        if let limit = plan.prefetch {
            try channel.limit(to: limit, wholeChannel: wholeChannel)
            state.withLock { $0.subscriptions.didLimit(limit) }
        }
        if state.withLock({ $0.consumesAt <= AMQPClock.now }) {
            for consumer in plan.consume { try consume(consumer, on: channel) }
        }
        answerChanges()
    }

    private func consume(_ consumer: Subscriptions.Consumer, on channel: AMQPChannel) throws {
        if state.withLock({ !$0.declared.contains(consumer.queue) }) {
            try channel.session.declare(options.declarations(consumer.queue))
            state.withLock { _ = $0.declared.insert(consumer.queue) }
        }
        state.withLock { $0.subscriptions.willConsume(consumer) }
        try channel.consume(consumer.queue, tag: consumer.tag, acknowledges: true)
    }

    /// Resumes callers whose queue is now consumed or cancelled.
    private func answerChanges() {
        let done = state.withLock { state in
            let done = state.changes.filter { state.subscriptions.isSettled($0.queue) }
            state.changes.removeAll { state.subscriptions.isSettled($0.queue) }
            return done
        }
        for change in done { change.caller.resume() }
    }

    func lost(_ error: CeleryError) {
        // Only a refusal concerns the callers; after a lost connection the change is applied later.
        let isRefusal = error.code == .refused || error.code == .server
        let changes = state.withLock { state in
            state.deliveries.lost(now: AMQPClock.now)
            state.subscriptions.lost()
            state.declared = []
            if error.message.contains("global qos") { state.refusesChannelLimit = true }
            if isRefusal { for change in state.changes { state.subscriptions.remove(change.queue) } }
            defer { state.changes = [] }
            return state.changes
        }
        for change in changes { change.caller.resume(with: isRefusal ? .failure(error) : .success(())) }
    }

    var deadline: Int64? {
        state.withLock { state in
            let due = state.deliveries.nextDue.map { AMQPClock.now + max(0, $0 - WallClock.milliseconds()) }
            let again = state.consumesAt > AMQPClock.now ? state.consumesAt : nil
            return [due, again].compactMap(\.self).min()
        }
    }
}
