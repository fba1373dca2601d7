import DashJSON
import Logging
import Support
import Synchronization

extension RedisConsumer {
    func settle(_ delivery: Delivery, as settlement: Settlement) async {
        guard state.withLock({ $0.settles(delivery.tag) }) else { return }
        bell.signal()
        // Nobody is kept waiting for a Redis that is away: it is told when it is there again.
        guard broker.client.present != nil else { return owe(settlement, of: delivery.tag) }
        await say(settlement, of: delivery.tag)
    }

    private func owe(_ settlement: Settlement, of tag: String) {
        state.withLock { $0.owes(tag, settlement) }
        owing.signal()
    }

    func settled(_ delivery: Delivery) {
        state.withLock { $0.settled(delivery.tag) }
        heldTags.release(delivery.tag)
        bell.signal()
    }

    /// Says settlements again that could not be said, until the task is cancelled.
    func settleOwed() async {
        while !Task.isCancelled {
            await owing.wait()
            if state.withLock({ $0.isStopped && $0.missesAnswer }) { await returnLost() }
            for (tag, settlement) in state.withLock({ $0.owed }) { await say(settlement, of: tag) }
            // A back-off: nothing helps but another connection, which takes its time.
            if state.withLock({ !$0.owed.isEmpty || $0.isStopped && $0.missesAnswer }) {
                try? await Task.sleep(for: .milliseconds(200))
                owing.signal()
            }
        }
    }

    /// Gives back what a fetch took whose answer was lost, where nothing is fetched any more.
    private func returnLost() async {
        do {
            for delivery in try await reclaim() { await settle(delivery, as: .returned) }
        } catch {
            broker.logger.debug("What was fetched last cannot be given back now.", metadata: ["error": "\(error)"])
        }
    }

    /// Gives back all that is not settled, for a time; what cannot be said then is given back by others.
    func giveBack() async {
        let deadline = ContinuousClock.now + broker.options.farewell
        for tag in state.withLock({ $0.held }) where state.withLock({ $0.settles(tag) }) {
            state.withLock { $0.owes(tag, .returned) }
        }
        while .now < deadline {
            let owed = state.withLock { $0.owed }
            guard !owed.isEmpty else { return }
            for (tag, settlement) in owed where .now < deadline { await say(settlement, of: tag) }
        }
    }

    private func say(_ settlement: Settlement, of tag: String) async {
        do {
            if try await !perform(settlement, of: tag) {
                broker.logger.notice(
                    "A message was settled that this worker does not hold any more.",
                    metadata: ["delivery": "\(tag)"]
                )
            }
            state.withLock { $0.settled(tag) }
            heldTags.release(tag)
        } catch {
            broker.logger.debug("A message cannot be settled now: \(error)")
            owe(settlement, of: tag)
        }
    }

    /// Settles on Redis.
    ///
    /// - Returns: whether this worker held it.
    private func perform(_ settlement: Settlement, of tag: String) async throws -> Bool {
        let keys = broker.keys
        let settlementKeys = [keys.unacked, keys.unackedIndex, keys.holders]
        switch settlement {
        case .acknowledged, .rejected:
            return try await run(BrokerScripts.acknowledge, keys: settlementKeys, arguments: [tag, worker.id])
        case .returned:
            guard let entry = try await broker.client.send(RedisCommand("HGET", keys.unacked, tag)).bytes else {
                return false
            }
            let envelope = KombuEnvelope.redelivered(try KombuEnvelope.envelope(ofEntry: entry))
            return try await run(
                BrokerScripts.giveBack,
                keys: settlementKeys,
                arguments: [tag, worker.id, envelope.serialized()]
            )
        case .postponed(let time):
            guard let entry = try await broker.client.send(RedisCommand("HGET", keys.unacked, tag)).bytes else {
                return false
            }
            let envelope = try KombuEnvelope.envelope(ofEntry: entry)
            let isHeld = try await run(
                BrokerScripts.postpone,
                keys: settlementKeys + [keys.eta, keys.parked],
                arguments: [tag, worker.id, envelope.serialized(), time]
            )
            broker.parked.signal()
            return isHeld
        }
    }

    private func run(_ script: RedisScript, keys: [String], arguments: [any RedisArgument]) async throws -> Bool {
        try await broker.client.run(script, keys: keys, arguments: arguments) == .integer(1)
    }
}
