import DashJSON
import Logging
import Support

extension RedisBroker {
    /// Gives messages back whose worker is gone, and those whose time has come, until the task is cancelled. Everybody who has
    /// a broker does it; what several do at once is done once.
    func sweep() async {
        var overdue = OverdueLeases(patience: options.renewal * 2)
        var connection: RedisConnection?
        var start = ContinuousClock.now
        while !Task.isCancelled {
            var wait = options.sweep
            do {
                if let next = try await wakeParked() { wait = min(wait, next) }
                if let present = client.present, present !== connection {
                    // After an outage all workers come back at about the same time, and need a moment to say so.
                    if connection != nil { start = .now + client.options.longestWait + options.renewal }
                    connection = present
                }
                if .now >= start { try await rescue(&overdue) }
            } catch {
                logger.debug("Leases cannot be looked at now: \(error)")
            }
            await parked.wait(atMost: wait)
        }
    }

    /// Gives messages back whose time has come.
    ///
    /// - Returns: the time to the next, nil when there is none.
    private func wakeParked() async throws -> Duration? {
        let answer = try await client.run(BrokerScripts.due, keys: [keys.eta, keys.parked])
        guard let next = answer.integer, next >= 0 else { return nil }
        return .milliseconds(next)
    }

    private func rescue(_ overdue: inout OverdueLeases) async throws {
        let answer = try await client.run(
            BrokerScripts.overdue,
            keys: [keys.leases, keys.holders, keys.unacked],
            arguments: [options.lease.inSeconds, options.silence.inSeconds, keys.lifeLinePrefix]
        )
        let leases = (answer.elements ?? []).compactMap(OverdueLeases.Lease.init)
        let givenUp = overdue.givenUp(of: leases, now: .now)
        guard !givenUp.isEmpty else { return }
        let answers = try await client.run(givenUp.map(restoration))
        for (lease, answer) in zip(givenUp, answers) where answer == .integer(1) {
            logger.warning(
                "A message is back in its queue: its worker is gone.",
                metadata: ["worker": "\(lease.worker)", "delivery": "\(lease.tag)"]
            )
        }
    }

    private func restoration(of lease: OverdueLeases.Lease) -> RedisScriptCall {
        let settlement = [keys.unacked, keys.unackedIndex, keys.leases, keys.holders]
        do {
            let envelope = KombuEnvelope.redelivered(try KombuEnvelope.envelope(ofEntry: lease.entry))
            return BrokerScripts.rescue.call(
                keys: settlement,
                arguments: [lease.tag, lease.holder, lease.score, envelope.serialized()]
            )
        } catch {
            return refusal(of: lease.tag, from: String(lease.worker), reason: "\(error)", queue: "")
        }
    }

    /// Puts a message away that cannot be read.
    func refusal(of tag: String, from worker: String, reason: String, queue: String) -> RedisScriptCall {
        BrokerScripts.refuse.call(
            keys: [keys.unacked, keys.unackedIndex, keys.leases, keys.holders, keys.rejected],
            arguments: [tag, worker, options.rejectedLimit, reason, queue]
        )
    }
}

extension Duration {
    /// The time in seconds, as scripts take it.
    var inSeconds: String {
        let (seconds, attoseconds) = components
        return String(Double(seconds) + Double(attoseconds) / 1e18)
    }
}
