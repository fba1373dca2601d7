import DashJSON
import Logging
import Support

extension RedisBroker {
    /// Gives messages back whose worker is dead, and those whose time has come, until the task is cancelled. Every process
    /// with a broker does it; what several do at once is done once.
    func sweep() async {
        var monitor = WorkerMonitor(options.terms)
        var nextAudit = ContinuousClock.now
        while !Task.isCancelled {
            var wait = options.sweep
            do {
                if let next = try await wakeParked() { wait = min(wait, next) }
                if .now >= nextAudit {
                    _ = try await client.run(BrokerScripts.audit, keys: [keys.holders, keys.workers])
                    nextAudit = .now + options.audit
                }
                for worker in try await monitor.dead(on: client, registry) { try await rescue(from: worker) }
            } catch {
                monitor.forget()
                logger.debug("Workers cannot be looked at now.", metadata: ["error": "\(error)"])
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

    /// Gives back all that a dead worker held.
    private func rescue(from worker: WorkerMonitor.Suspect) async throws {
        let most = 500
        while true {
            let answer = try await client.run(
                BrokerScripts.held,
                keys: [keys.unacked, keys.holders, keys.workers],
                arguments: [keys.lifeLinePrefix, worker.worker, most]
            )
            let messages = (answer.elements ?? []).compactMap(\.elements).filter { $0.count == 3 }
            guard !messages.isEmpty else { return }
            let answers = try await client.run(messages.map { restoration(of: $0, from: worker) })
            let count = answers.count { $0 == .integer(1) }
            if count > 0 {
                logger.warning(
                    "Messages are back in their queues: their worker is dead.",
                    metadata: ["worker": "\(worker.worker)", "count": "\(count)"]
                )
            }
            // Others do the same, or the worker lives after all.
            guard messages.count == most, count > 0 else { return }
        }
    }

    /// - Parameter message: Tag, holder and entry, as the script `held` gives them.
    private func restoration(of message: [RedisValue], from worker: WorkerMonitor.Suspect) -> RedisScriptCall {
        let tag = message[0].text ?? ""
        do {
            let envelope = try KombuEnvelope.envelope(ofEntry: message[2].bytes ?? [])
            return BrokerScripts.rescue.call(
                keys: [keys.unacked, keys.unackedIndex, keys.holders, keys.workers],
                arguments: [
                    tag, message[1].text ?? "", worker.score, KombuEnvelope.redelivered(envelope).serialized(),
                ]
            )
        } catch {
            return refusal(of: tag, from: worker.worker, reason: "\(error)", queue: "")
        }
    }

    /// Puts a message away that cannot be read.
    func refusal(of tag: String, from worker: String, reason: String, queue: String) -> RedisScriptCall {
        BrokerScripts.refuse.call(
            keys: [keys.unacked, keys.unackedIndex, keys.holders, keys.rejected],
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
