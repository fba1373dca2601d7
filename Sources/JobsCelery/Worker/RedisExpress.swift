import DashJSON
import Synchronization

/// Tells the ends of tasks where results and messages are on the same Redis: the result of a task and its acknowledgement
/// are one script, those of many tasks one message there and one back.
struct RedisExpress: Sendable {
    private let results: RedisResults
    private let consumer: RedisConsumer

    /// Keys: the meta's, `unacked`, its index, leases, holders. Arguments: the meta, the seconds it is kept, the tag, the
    /// worker.
    private static let storeAndAcknowledge = RedisScript(
        "store a result and acknowledge",
        ResultScripts.storeFunction + RedisBroker.settlementScriptPart
            + """
            store_meta(KEYS[1], ARGV[1], ARGV[2])
            return dash_release(KEYS[2], KEYS[3], KEYS[4], KEYS[5], ARGV[3], ARGV[4]) and 1 or 0
            """
    )

    /// - Returns: nil where results and messages are in different places.
    init?(results: any ResultStore, consumer: any CeleryConsumer) {
        guard let results = results as? RedisResults, let consumer = consumer as? RedisConsumer,
            let client = results.redis as? ReconnectingRedisClient, client === consumer.broker.client
        else { return nil }
        self.results = results
        self.consumer = consumer
    }

    /// Stores and acknowledges, in the order of the ends. What is neither is left.
    ///
    /// - Returns: the ends whose messages are still to be settled.
    /// - Throws: when not all could be done; all may be told again then.
    func tell(_ ends: [TaskEnd]) async throws -> [TaskEnd] {
        var calls: [RedisScriptCall] = []
        var settled: [Delivery] = []
        var rest: [TaskEnd] = []
        for end in ends {
            let isDone = end.keeper == nil && (end.settlement == .acknowledged || end.settlement == .rejected)
            if let call = call(end, acknowledges: isDone) { calls.append(call) }
            if isDone { settled.append(end.delivery) } else if end.settlement != nil { rest.append(end) }
        }
        guard !calls.isEmpty else { return rest }
        // Not renewed from now on: a renewal that comes after the acknowledgement would find them taken away.
        for delivery in settled { consumer.leases.release(delivery.tag) }
        do {
            for answer in try await consumer.broker.client.run(calls) {
                if case .error(let message) = answer { throw CeleryError(.server, "Redis: \(message)") }
            }
        } catch {
            for delivery in settled { consumer.leases.hold(delivery.tag) }
            throw error
        }
        consumer.wereReleased(settled)
        return rest
    }

    private func call(_ end: TaskEnd, acknowledges: Bool) -> RedisScriptCall? {
        let keys = consumer.broker.keys
        let settlementKeys = [keys.unacked, keys.unackedIndex, keys.leases, keys.holders]
        let settlement: [any RedisArgument] = [end.delivery.tag, consumer.worker.id]
        guard let meta = end.meta else {
            guard acknowledges else { return nil }
            return BrokerScripts.acknowledge.call(keys: settlementKeys, arguments: settlement)
        }
        let key = results.settings.key(of: meta.taskID)
        let result: [any RedisArgument] = [meta.jsonBytes(), results.settings.expires]
        guard acknowledges else { return ResultScripts.store.call(keys: [key], arguments: result) }
        return Self.storeAndAcknowledge.call(keys: [key] + settlementKeys, arguments: result + settlement)
    }
}

extension RedisConsumer {
    /// Notes that deliveries were taken off this worker by scripts that know of holders.
    fileprivate func wereReleased(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        state.withLock { state in
            for delivery in deliveries { state.settled(delivery.tag) }
        }
        bell.ring()
    }
}
