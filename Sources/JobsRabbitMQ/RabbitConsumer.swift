import CeleryProtocol
import JobsCelery
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// A worker's RabbitMQ consumer: one channel that consumes all its queues.
///
/// Reopens a lost connection, or a channel that the server closed (for example after its `consumer_timeout`); running
/// tasks stay with this worker.
final class RabbitConsumer: CeleryConsumer, AMQPChannelUser {
    private let options: RabbitOptions
    private let logger: Logger
    private let connection: AMQPConnection
    private let state: Mutex<State>
    private let over = AsyncLatch<Void>()
    private let running: RunningConsumers

    private struct State {
        var deliveries: RabbitDeliveries
        var subscriptions: Subscriptions
        var prefetch: Int
        /// The server refuses a limit for the whole channel because of a quorum queue.
        var refusesChannelLimit = false
        var declared: Set<String> = []
        var fetchers: [Fetcher] = []
        var nextFetcher = 0
        /// Callers that wait until a queue is consumed or cancelled.
        var changes: [(queue: String, caller: CheckedContinuation<Void, any Error>)] = []
        var isOver = false
        /// The worker's lease has expired: its deliveries go to other workers, and nothing is consumed.
        var isLapsed = false
        /// The earliest time to consume again after a queue was deleted.
        var consumesAt: Int64 = 0

        var limit: Int { prefetch > 0 ? prefetch + deliveries.parkedCount : 0 }
    }

    private struct Fetcher {
        var id: Int
        var limit: Int
        var caller: CheckedContinuation<[Delivery], Never>
    }

    /// - Parameters:
    ///   - heartbeat: The connection's heartbeat interval, in seconds; 0 for none.
    ///   - running: Counts this consumer while it runs.
    init(
        _ connection: AMQPConnection,
        queues: [String],
        prefetch: Int,
        heartbeat: Int,
        options: RabbitOptions,
        logger: Logger,
        running: RunningConsumers
    ) {
        self.connection = connection
        self.options = options
        self.logger = logger
        self.running = running
        // A loss is detected after two heartbeats; one more for a delayed thread.
        let unheard = heartbeat > 0 ? Int64(heartbeat) * 3000 : SettledMessages.patience
        let deliveries = RabbitDeliveries(unheard: unheard)
        state = Mutex(State(deliveries: deliveries, subscriptions: Subscriptions(queues), prefetch: prefetch))
    }

    /// Consumes until the task is cancelled or the broker closes the connection; unsettled messages then return to
    /// their queues. A graceful shutdown does not end it, so that running tasks can be settled.
    func run() async throws {
        running.begin()
        defer { running.end() }
        connection.attach(self)
        await over.passed()
        await connection.detach(self)
    }

    func fetch(upTo limit: Int) async -> [Delivery] {
        let id = state.withLock { state in
            state.nextFetcher += 1
            return state.nextFetcher
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                let deliveries = state.withLock { state -> [Delivery]? in
                    if state.isOver || state.subscriptions.isStopped || Task.isCancelled { return [] }
                    if state.deliveries.hasReady { return state.deliveries.take(upTo: limit) }
                    state.fetchers.append(Fetcher(id: id, limit: limit, caller: caller))
                    return nil
                }
                if let deliveries { caller.resume(returning: deliveries) }
            }
        } onCancel: {
            let fetcher = state.withLock { state in
                state.fetchers.firstIndex { $0.id == id }.map { state.fetchers.remove(at: $0) }
            }
            fetcher?.caller.resume(returning: [])
        }
    }

    func settle(_ delivery: Delivery, as settlement: Settlement) async {
        settle(delivery, settlement)
    }

    /// Acknowledges the delivery, as no script can do that in RabbitMQ.
    func settled(_ delivery: Delivery) {
        settle(delivery, .acknowledged)
    }

    private func settle(_ delivery: Delivery, _ settlement: Settlement) {
        state.withLock { $0.deliveries.settle(delivery.tag, as: settlement, now: AMQPClock.now) }
        connection.wake()
    }

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
        let fetchers = state.withLock { state in
            state.subscriptions.isStopped = true
            state.deliveries.stop()
            defer { state.fetchers = [] }
            return state.fetchers
        }
        for fetcher in fetchers { fetcher.caller.resume(returning: []) }
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
            let isDone = state.withLock { state in
                body(&state.subscriptions)
                let subscriptions = state.subscriptions
                let isDone = subscriptions.wanted.contains(queue) == subscriptions.isConsuming(queue)
                if isDone || !state.deliveries.isOpen || state.isOver || subscriptions.isStopped { return true }
                state.changes.append((queue, caller))
                return false
            }
            if isDone { caller.resume() } else { connection.wake() }
        }
    }

    func ended() {
        let (fetchers, changes) = state.withLock { state in
            state.isOver = true
            state.deliveries.lost(now: AMQPClock.now)
            defer { (state.fetchers, state.changes) = ([], []) }
            return (state.fetchers, state.changes)
        }
        for fetcher in fetchers { fetcher.caller.resume(returning: []) }
        for change in changes { change.caller.resume() }
        over.open()
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
            try settle(on: channel)
        }
        handOut()
    }

    /// Closing the channel makes the server redeliver all unsettled messages to other workers.
    var wantsChannel: Bool { state.withLock { !$0.isLapsed } }

    /// Makes the server's consumers match the wanted queues.
    private func subscribe(on channel: AMQPChannel) throws {
        let (plan, wholeChannel) = state.withLock { state in
            let wholeChannel = isWholeChannel(state, channel.session)
            return (state.subscriptions.plan(limit: state.limit, wholeChannel: wholeChannel), wholeChannel)
        }
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

    private func isWholeChannel(_ state: State, _ session: AMQPSession) -> Bool {
        session.allowsChannelLimit && !state.refusesChannelLimit
    }

    private func consume(_ consumer: Subscriptions.Consumer, on channel: AMQPChannel) throws {
        if state.withLock({ !$0.declared.contains(consumer.queue) }) {
            let declarations = options.queue(consumer.queue).declarations(consumer.queue)
            for difference in try channel.session.declare(declarations) { logger.warning("\(difference)") }
            state.withLock { _ = $0.declared.insert(consumer.queue) }
        }
        state.withLock { $0.subscriptions.willConsume(consumer) }
        try channel.consume(consumer.queue, tag: consumer.tag, acknowledges: true)
    }

    /// Resumes callers whose queue is now consumed or cancelled.
    private func answerChanges() {
        let done = state.withLock { state in
            let subscriptions = state.subscriptions
            let done = state.changes.filter { change in
                subscriptions.isStopped
                    || subscriptions.wanted.contains(change.queue) == subscriptions.isConsuming(change.queue)
            }
            state.changes.removeAll { change in done.contains { $0.queue == change.queue } }
            return done
        }
        for change in done { change.caller.resume() }
    }

    private func settle(on channel: AMQPChannel) throws {
        let frames = state.withLock { $0.deliveries.takeFrames() }
        if frames.count > 1 { channel.session.cork(true) }
        defer { if frames.count > 1 { channel.session.cork(false) } }
        for frame in frames {
            switch frame {
            case .acknowledge(let number, let multiple): try channel.acknowledge(number, multiple: multiple)
            case .reject(let number, let requeue): try channel.reject(number, requeue: requeue)
            }
        }
    }

    private func handOut() {
        while true {
            let next = state.withLock { state -> (Fetcher, [Delivery])? in
                guard state.deliveries.hasReady, !state.fetchers.isEmpty else { return nil }
                let fetcher = state.fetchers.removeFirst()
                return (fetcher, state.deliveries.take(upTo: fetcher.limit))
            }
            guard let (fetcher, deliveries) = next else { return }
            fetcher.caller.resume(returning: deliveries)
        }
    }

    func lost(_ error: CeleryError) {
        let refused = state.withLock { state in
            state.deliveries.lost(now: AMQPClock.now)
            state.subscriptions.lost()
            state.declared = []
            if error.message.contains("global qos") { state.refusesChannelLimit = true }
            defer { state.changes = [] }
            // Only a refusal concerns the caller; after a lost connection the change is applied later.
            let refused = error.code == .refused || error.code == .server ? state.changes : []
            for change in refused { state.subscriptions.remove(change.queue) }
            for change in state.changes where refused.isEmpty { change.caller.resume() }
            return refused
        }
        for change in refused { change.caller.resume(throwing: error) }
    }

    var deadline: Int64? {
        state.withLock { state in
            let due = state.deliveries.nextDue.map { AMQPClock.now + max(0, $0 - WallClock.milliseconds()) }
            let again = state.consumesAt > AMQPClock.now ? state.consumesAt : nil
            return [due, again].compactMap(\.self).min()
        }
    }
}
