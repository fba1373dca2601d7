import CeleryProtocol
import Jobs
import RedisClient
import Synchronization

/// The result of a sweep.
struct RecordSweep: Sendable {
    /// Whether more work is due now.
    var hasMore = false
    /// Jobs whose message must be sent now.
    var unsent: [JobID] = []
    /// Tasks of other programs whose result must be checked now.
    var remote: [JobID] = []
    /// Number of jobs that wait for a worker.
    var queued = 0
    /// Number of living workers.
    var workers = 0
    /// Abandoned tasks of other programs that no worker is known to have begun.
    var left: [JobID] = []
    /// Jobs whose message is lost if their queue is empty, by queue.
    var doubted: [String: [LostMessage]] = [:]
}

/// A waiting job whose message may be lost.
struct LostMessage: Sendable, Hashable {
    var id: JobID
    /// When the message was last sent, as stored in the record.
    var sent: String
}

/// Applies the transitions that are due in the records. Any number of processes may run one concurrently.
final class RecordSweeper: Sendable {
    /// How long a job of a dead worker waits for the broker to redeliver its message.
    static let orphanedAfter = Duration.seconds(5)

    private struct Notes {
        /// When workers that hold jobs were first seen dead, by this process's clock.
        var absences: [String: ContinuousClock.Instant] = [:]
        /// Where and when the search for lost messages continues.
        var cursor = "0"
        var nextLook = ContinuousClock.now
    }

    private let records: JobRecords
    private let notes = Mutex(Notes())

    init(_ records: JobRecords) {
        self.records = records
    }

    private var rules: JobRules { records.rules }

    /// Applies the transitions that are due.
    ///
    /// - Parameter asked: Jobs with waiters in this process.
    func sweep(asked: [JobID]) async throws -> RecordSweep {
        let (interest, keep) = (records.interest, rules.limits.keepFinished.wholeMilliseconds)
        let times = [interest.waiting, keep, interest.running]
        let answer = try await records.call(RecordScripts.due, nil, times + asked.map(\.text), patience: .zero)
        func ids(_ place: Int) -> [JobID] { answer[place].texts.compactMap { JobID($0) } }
        let living = Set(answer[2].texts)
        var found = RecordSweep()
        found.hasMore = answer[0].number == 1
        (found.queued, found.workers) = (answer[1].number ?? 0, living.count)
        // In reverse, because each goes to the head of its list: the job that was due first runs first.
        var waiting = try await apply(to: ids(3).reversed()) { rules.becomeDue($0.job) }
        _ = try await apply(to: ids(4)) { rules.abandon($0.job) }
        found.left = try await giveUp(ids(5))
        _ = try await records.commit(ids(6).map { RecordCommit(unread: rules.expire($0)) })
        try await land(ids(7))
        waiting += try await takeUp(ids(10), living)
        found.remote = ids(9)
        found.unsent = ids(8) + (records.settings.isBroker ? [] : waiting)
        found.doubted = try await lostMessages()
        return found
    }

    /// Applies transitions to jobs.
    ///
    /// - Returns: The jobs that are queued afterwards.
    private func apply(to ids: [JobID], _ transition: (RecordFacts) -> JobTransition?) async throws -> [JobID] {
        var waiting: [JobID] = []
        for id in ids where try await records.apply(to: id, transition)?.job.state == .queued { waiting.append(id) }
        return waiting
    }

    /// Ends tasks of other programs that expired without a poll or an event.
    ///
    /// - Returns: Those that no worker is known to have begun.
    private func giveUp(_ ids: [JobID]) async throws -> [JobID] {
        var left: [JobID] = []
        for id in ids {
            var (isKnown, isWaiting) = (false, false)
            let ended = try await records.apply(to: id) { facts in
                (isKnown, isWaiting) = (true, facts.job.state == .queued)
                let silence = records.settings.options.remoteSilence
                return isWaiting ? rules.abandon(facts.job) : rules.remote(facts.job, .silent(silence))
            }
            if !isKnown { try await forget(id, in: "wanted") }
            if isWaiting, ended?.job.state == .cancelled { left.append(id) }
        }
        return left
    }

    /// Resumes the work of dead processes on the followers of finished jobs.
    private func land(_ leaders: [JobID]) async throws {
        for leader in leaders {
            let news = try await records.update(of: leader, after: .max)
            let end = news.flatMap { $0.state.isFinished ? JobEnd($0.state, failure: $0.failure) : nil }
            try await records.land(leader, with: end)
            try await forget(leader, in: "landings")
        }
    }

    /// Reruns jobs whose worker has been dead for `orphanedAfter`, so that the broker has not redelivered their
    /// message.
    private func takeUp(_ ids: [JobID], _ living: Set<String>) async throws -> [JobID] {
        var orphans: [JobID] = []
        for (id, facts) in zip(ids, try await records.facts(of: ids)) {
            guard let facts else {
                try await forget(id, in: "running")
                continue
            }
            let holder = facts.holder ?? ""
            if !living.contains(holder), isGone(holder) { orphans.append(id) }
        }
        notes.withLock { notes in
            for worker in living { notes.absences[worker] = nil }
        }
        return try await apply(to: orphans) { rules.interrupt($0.job, by: .worker($0.holder)) }
    }

    private func isGone(_ worker: String) -> Bool {
        notes.withLock { notes in
            let since = notes.absences[worker] ?? .now
            notes.absences[worker] = since
            return since.duration(to: .now) > Self.orphanedAfter
        }
    }

    private func forget(_ id: JobID, in set: String) async throws {
        _ = try await records.send(RedisCommand("ZREM", records.settings.prefix + set, id.text))
    }

    // MARK: Lost messages

    /// Checks the next part of the waiting jobs: the message of one whose queue is empty and whose message no worker
    /// holds is sent again, with exponential backoff. A superfluous message does no harm: a job begins once.
    ///
    /// - Returns: The jobs to check against the queues of a broker that is not this Redis.
    private func lostMessages() async throws -> [String: [LostMessage]] {
        guard let cursor = notes.withLock({ $0.nextLook <= .now ? $0.cursor : nil }) else { return [:] }
        let set = records.settings.prefix + "queued"
        let answer = try await records.send(RedisCommand("ZSCAN", set, cursor, "COUNT", 300))
        let next = answer[0].text ?? "0"
        let doubt = records.settings.doubt
        notes.withLock { notes in
            notes.cursor = next
            notes.nextLook = .now + (next == "0" ? doubt / 2 : min(.seconds(1), doubt / 2))
        }
        let members = answer[1].texts.enumerated().compactMap { $0.offset.isMultiple(of: 2) ? JobID($0.element) : nil }
        var byList = try await doubted(members)
        guard records.settings.isBroker else {
            let keys = records.settings.keys
            return Dictionary(byList.map { (keys.queue(of: $0), $1) }) { $0 + $1 }
        }
        for list in byList.keys where try await records.send(RedisCommand("LLEN", list)) != .integer(0) {
            byList[list] = nil
        }
        for lost in byList.values.joined() where try await !isHeld(lost.id) { _ = try await resend(lost) }
        return [:]
    }

    /// The jobs whose message was sent too long ago, by list.
    private func doubted(_ ids: [JobID]) async throws -> [String: [LostMessage]] {
        guard !ids.isEmpty else { return [:] }
        let time = try await records.send(RedisCommand("TIME")).texts.compactMap { Double($0) }
        let now = time.count == 2 ? time[0] + time[1] / 1_000_000 : 0
        var found: [String: [LostMessage]] = [:]
        for facts in try await records.facts(of: ids) {
            guard let facts, facts.job.state == .queued, !facts.job.isFollowing, let list = facts.list,
                let text = facts.sent, let sent = Double(text)
            else { continue }
            let wait = records.settings.doubt / .seconds(1) * Double(1 << min(facts.resent, 5))
            if now - sent > wait { found[list, default: []].append(LostMessage(id: facts.job.id, sent: text)) }
        }
        return found
    }

    /// Whether a worker holds a job's message.
    private func isHeld(_ id: JobID) async throws -> Bool {
        guard let tag = try await records.message(of: id).flatMap({ KombuEnvelope.tag(of: $0) }) else { return false }
        return try await records.send(RedisCommand("HEXISTS", records.settings.keys.unacked, tag)) == .integer(1)
    }

    /// Sends a waiting job's message again, unless that happened meanwhile.
    ///
    /// - Returns: Whether the caller must send it, if this Redis is not the broker.
    func resend(_ lost: LostMessage) async throws -> Bool {
        let applied = try await records.apply(to: lost.id) { facts in
            guard facts.job.state == .queued, facts.sent == lost.sent else { return nil }
            var commit = RecordCommit(rules.sendAgain(facts.job), of: facts)
            commit.sent = lost.sent
            return commit
        }
        return applied != nil
    }
}
