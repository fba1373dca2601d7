import Jobs
import Logging
import Synchronization

/// What a manager remembers from one sweep to the next.
struct SweepNotes: Sendable {
    /// When those who wait are noted as asking next, by the jobs' monotonic clock.
    var nextAsking = Duration.zero
    /// Since when jobs wait and no worker is there.
    var withoutWorkers: ContinuousClock.Instant?
    var isWarned = false
    var isFailing = false

    /// Whether to warn now that jobs wait and no worker is there: once, and not for a moment without.
    mutating func warns(queued: Int, workers: Int, at now: ContinuousClock.Instant) -> Bool {
        guard queued > 0, workers == 0 else {
            withoutWorkers = nil
            if workers > 0 { isWarned = false }
            return false
        }
        let since = withoutWorkers ?? now
        withoutWorkers = since
        guard !isWarned, since.duration(to: now) >= .seconds(3) else { return false }
        isWarned = true
        return true
    }
}

extension CeleryJobManager {
    /// Looks again and again at what time has brought about: jobs that are due, that nobody wants, that are out of time.
    func sweepRegularly() async {
        while !Task.isCancelled {
            let hasMore = await sweep()
            // A beat of real time, as the times are in Redis and any process may have put them there.
            if !hasMore { try? await Task.sleep(for: parts.tick) }
        }
    }

    /// - Returns: whether there is more to do at once.
    private func sweep() async -> Bool {
        do {
            let found = try await sweeper.sweep(asked: askers())
            for id in found.unsent { await send(id) }
            await sendLost(found.doubted)
            await leave(found.left)
            try await look(at: found.remote)
            notice(found)
            return found.hasMore
        } catch {
            let isNew = state.withLock { state in
                defer { state.sweeps.isFailing = true }
                return !state.sweeps.isFailing
            }
            if isNew { parts.logger.warning("Redis is not reached.", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    /// The jobs that somebody waits for, now and then.
    private func askers() -> [JobID] {
        let now = clock.now().monotonic
        let isTime = state.withLock { state in
            guard state.sweeps.nextAsking <= now else { return false }
            state.sweeps.nextAsking = now + min(limits.abandonQueuedAfter, .seconds(3600)) / 6
            return true
        }
        return isTime ? doorbells.waitedFor : []
    }

    private func send(_ id: JobID) async {
        do {
            try await JobSender(records: records, broker: parts.broker).send(id)
        } catch {
            parts.logger.warning(
                "The message of a job could not be sent. It is tried again.",
                metadata: ["job": "\(id)", "error": "\(error)"]
            )
        }
    }

    /// Tells all workers that nobody wants tasks any more. One that runs after all is left in peace.
    private func leave(_ ids: [JobID]) async {
        guard !ids.isEmpty else { return }
        do {
            try await parts.broker.revoke(ids.map(\.text), terminate: false)
        } catch {
            parts.logger.warning(
                "Workers were not told that nobody waits for tasks.",
                metadata: ["tasks": "\(ids)", "error": "\(error)"]
            )
        }
    }

    /// Sends messages again that are in no queue any more.
    private func sendLost(_ doubted: [String: [LostMessage]]) async {
        for (queue, messages) in doubted {
            do {
                guard try await parts.broker.waiting(in: queue) == 0 else { continue }
                for message in messages where try await sweeper.resend(message) { await send(message.id) }
            } catch {
                // Asked again a little later.
                parts.logger.debug(
                    "A queue could not be looked at.",
                    metadata: ["queue": "\(queue)", "error": "\(error)"]
                )
            }
        }
    }

    private func notice(_ found: RecordSweep) {
        let (warns, isBack) = state.withLock { state in
            defer { state.sweeps.isFailing = false }
            return (
                state.sweeps.warns(queued: found.queued, workers: found.workers, at: .now), state.sweeps.isFailing
            )
        }
        if isBack { parts.logger.info("Redis is reached again.") }
        guard warns else { return }
        let program = CommandLine.arguments.first?.split(separator: "/").last ?? "<program>"
        parts.logger.warning(
            "Jobs wait in the queue “\(parts.queue)”, and no worker is there. Start one: \(program) worker",
            metadata: ["waiting": "\(found.queued)"]
        )
    }
}
