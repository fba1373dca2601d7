import Logging
import ServiceLifecycle
import Support
import Synchronization

/// A worker's end of RabbitMQ: one channel that consumes all its queues.
///
/// A channel that the server closes (because a task took longer than its `consumer_timeout`) or a lost connection is opened
/// again; what is being worked on stays with this worker.
final class RabbitConsumer: CeleryConsumer, AMQPChannelUser {
    let options: RabbitOptions
    let logger: Logger
    let connection: AMQPConnection
    let state: Mutex<State>
    private let over = AsyncLatch<Void>()
    private let running: RunningConsumers

    struct State {
        var deliveries: RabbitDeliveries
        var subscriptions: Subscriptions
        var prefetch: Int
        /// The server refuses a limit of the whole channel: one of the queues is of a kind that has none.
        var refusesChannelLimit = false
        var declared: Set<String> = []
        var fetchers: [Fetcher] = []
        var nextFetcher = 0
        /// Who waits until a queue is consumed, or no more.
        var changes: [(queue: String, caller: CheckedContinuation<Void, any Error>)] = []
        var isOver = false
        /// The worker's lease is over: others get the deliveries, and nothing is consumed.
        var isLapsed = false
        /// A queue vanished: not consumed again before.
        var consumesAt: Int64 = 0

        var limit: Int { prefetch > 0 ? prefetch + deliveries.parkedCount : 0 }
    }

    struct Fetcher {
        var id: Int
        var limit: Int
        var caller: CheckedContinuation<[Delivery], Never>
    }

    /// - Parameter running: Where it is counted while it runs.
    init(
        _ connection: AMQPConnection,
        queues: [String],
        prefetch: Int,
        options: RabbitOptions,
        logger: Logger,
        running: RunningConsumers
    ) {
        self.connection = connection
        self.options = options
        self.logger = logger
        self.running = running
        // Two heartbeats until a loss is noticed, and one for a thread that is late. Without any there is no telling.
        let unheard = connection.url.heartbeat > 0 ? Int64(connection.url.heartbeat) * 3000 : SettledMessages.patience
        let deliveries = RabbitDeliveries(unheard: unheard)
        state = Mutex(State(deliveries: deliveries, subscriptions: Subscriptions(queues), prefetch: prefetch))
    }

    /// Consumes until the task is cancelled or the broker's connection is ended. What is unsettled then goes back to its
    /// queue. A graceful shutdown does not end it: what runs is to be settled first.
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

    /// RabbitMQ learns only from us that a delivery is settled: it is acknowledged.
    func settled(_ delivery: Delivery) {
        settle(delivery, .acknowledged)
    }

    private func settle(_ delivery: Delivery, _ settlement: Settlement) {
        state.withLock { $0.deliveries.settle(delivery.tag, as: settlement, now: AMQPClock.now) }
        connection.doorbell.ring()
    }

    func leaseLapsed(_ isOver: Bool) {
        state.withLock { $0.isLapsed = isOver }
        connection.doorbell.ring()
    }

    func setPrefetch(_ prefetch: Int) {
        state.withLock { $0.prefetch = prefetch }
        connection.doorbell.ring()
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
        connection.doorbell.ring()
    }

    func add(queue: String) async throws {
        try AMQPName.check(queue)
        try await change(queue) { $0.add(queue) }
    }

    func cancel(queue: String) async throws {
        try await change(queue) { $0.remove(queue) }
    }

    /// Changes what is consumed and waits until that is done. Without a connection it is done later, and is no error.
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
            if isDone { caller.resume() } else { connection.doorbell.ring() }
        }
    }

    /// The end, for those that wait.
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
