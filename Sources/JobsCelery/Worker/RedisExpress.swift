import DashJSON
import Support
import Synchronization

/// Tells the ends of tasks where results and messages are on the same Redis: the results of many tasks and their
/// acknowledgements are one script.
struct RedisExpress: Sendable {
    private let results: RedisResults
    private let consumer: RedisConsumer

    /// So many ends are one script: Lua's functions take only so many arguments.
    private static let mostAtOnce = 500

    /// Keys: `unacked`, its index, holders, then those of metas. Arguments: the worker, the seconds a meta is kept, how
    /// many there are, those, then the tags of what is acknowledged.
    private static let storeAndAcknowledge = RedisScript(
        "store results and acknowledge",
        ResultScripts.storeFunction + BrokerScripts.releaseAll
            + """
            local metas = tonumber(ARGV[3])
            for place = 1, metas do store_meta(KEYS[3 + place], ARGV[3 + place], ARGV[2]) end
            local tags = {}
            for place = 4 + metas, #ARGV do tags[#tags + 1] = ARGV[place] end
            if #tags > 0 then dash_release_all(KEYS[1], KEYS[2], KEYS[3], ARGV[1], tags) end
            """
    )

    /// Results and messages must be on the same Redis.
    fileprivate init(results: RedisResults, consumer: RedisConsumer) {
        self.results = results
        self.consumer = consumer
    }

    /// Stores in the order of the ends, and acknowledges. What is neither is left.
    ///
    /// - Returns: the ends whose messages are still to be settled.
    /// - Throws: when not all could be done; all may be told again then.
    func tell(_ ends: [TaskEnd]) async throws -> [TaskEnd] {
        let rest = ends.filter { !$0.isDone && $0.settlement != nil }
        let calls = calls(ends)
        // Who has nothing to say does not wait for a Redis that is away.
        guard !calls.isEmpty else { return rest }
        let settled = ends.filter(\.isDone).map(\.delivery)
        // Before it is said, so that what fetches can say its request along with it.
        consumer.willRelease(settled)
        do {
            for answer in try await consumer.client.run(calls) {
                if case .error(let message) = answer { throw Self.storeAndAcknowledge.error(message) }
            }
        } catch {
            consumer.didNotRelease(settled)
            throw error
        }
        consumer.didRelease(settled)
        return rest
    }

    private func calls(_ ends: [TaskEnd]) -> [RedisScriptCall] {
        stride(from: 0, to: ends.count, by: Self.mostAtOnce).compactMap { start in
            call(ends[start..<min(start + Self.mostAtOnce, ends.count)])
        }
    }

    private func call(_ ends: ArraySlice<TaskEnd>) -> RedisScriptCall? {
        let metas = ends.compactMap(\.meta)
        let tags = ends.filter(\.isDone).map(\.delivery.tag)
        guard !metas.isEmpty || !tags.isEmpty else { return nil }
        let keys = consumer.broker.keys
        let arguments: [any RedisArgument] = [consumer.worker.id, results.settings.expires, metas.count]
        return Self.storeAndAcknowledge.call(
            keys: [keys.unacked, keys.unackedIndex, keys.holders]
                + metas.map { results.settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() } + tags
        )
    }
}

extension TaskEnd {
    /// Whether the message is only to be taken off the worker, which holds it.
    fileprivate var isDone: Bool { keeper == nil && (settlement == .acknowledged || settlement == .rejected) }
}

extension RedisConsumer {
    func express(to results: any ResultStore) -> RedisExpress? {
        guard let results = results.inRedis, results.redis.isSame(as: broker.client) else { return nil }
        return RedisExpress(results: results, consumer: self)
    }

    /// Makes room for others in the place of deliveries that a script is about to take off this worker. They are not refreshed
    /// from now on: a refresh that came after the script would find them taken away.
    fileprivate func willRelease(_ deliveries: [Delivery]) {
        guard !deliveries.isEmpty else { return }
        state.withLock { state in
            for delivery in deliveries { _ = state.settles(delivery.tag) }
        }
        heldTags.release(deliveries)
        bell.signal()
    }

    fileprivate func didNotRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.keeps(delivery.tag) }
        }
        for delivery in deliveries { heldTags.hold(delivery.tag) }
    }

    fileprivate func didRelease(_ deliveries: [Delivery]) {
        state.withLock { state in
            for delivery in deliveries { state.settled(delivery.tag) }
        }
    }
}
