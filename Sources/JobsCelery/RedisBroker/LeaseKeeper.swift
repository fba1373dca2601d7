import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Renews the leases of what a worker holds, on a thread and a connection of its own: however busy the process is, its leases
/// hold as long as it lives.
final class LeaseKeeper: Sendable {
    private struct State {
        var held: Set<String> = []
        /// Settled by scripts of others, which know nothing of holders.
        var settled: Set<String> = []
    }

    private let broker: RedisBroker
    private let worker: String
    private let state = Mutex(State())

    init(_ broker: RedisBroker, worker: String) {
        self.broker = broker
        self.worker = worker
    }

    func hold(_ tag: String) {
        state.withLock { state in
            state.held.insert(tag)
            state.settled.remove(tag)
        }
    }

    /// - Parameter byOthers: Whether a script of others settled it.
    func release(_ tag: String, byOthers: Bool = false) {
        state.withLock { state in
            state.held.remove(tag)
            if byOthers { state.settled.insert(tag) }
        }
    }

    /// Several that were not settled by scripts of others.
    func release(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.held.remove(delivery.tag) }
        }
    }

    /// Renews until the task is cancelled.
    func keep() async {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var options = RedisOptions(broker.url, name: "dash-leases", logger: broker.logger)
        options.group = group
        let client = ReconnectingRedisClient(options)
        let renewal = TimeAmount(broker.options.renewal)
        // Leases end by time and are renewed by time.
        let timer = group.next().scheduleRepeatedTask(initialDelay: renewal, delay: renewal) { [self] _ in
            if let connection = client.present { renew(connection) }
        }
        await client.keepConnected()
        timer.cancel()
        try? await group.shutdownGracefully()
    }

    private func renew(_ connection: RedisConnection) {
        let (held, settled) = state.withLock { ($0.held, $0.settled) }
        guard !held.isEmpty || !settled.isEmpty else { return }
        let keys = broker.keys
        let call = BrokerScripts.renew.call(
            keys: [keys.unackedIndex, keys.leases, keys.holders],
            arguments: [worker, broker.options.lease.inSeconds, settled.count] + Array(settled) + Array(held)
        )
        connection.submit([call.command(whole: true)]) { [self] result in
            guard case .success(let answers) = result, let lost = answers.first?.elements else { return }
            let gone = state.withLock { state in
                state.settled.subtract(settled)
                return lost.compactMap(\.text).filter { state.held.remove($0) != nil }
            }
            guard !gone.isEmpty else { return }
            broker.logger.warning(
                "Messages of this worker were given to others, as Redis did not hear of it in time. They may run twice.",
                metadata: ["count": "\(gone.count)"]
            )
        }
    }
}
