import Jobs
import Synchronization

/// What a sweep found.
struct RecordSweep: Sendable {
    /// Whether there is more to do at once.
    var hasMore = false
    /// Jobs whose message is to be sent now.
    var unsent: [JobID] = []
    /// Jobs of other programs' workers whose result is to be looked at now.
    var remote: [JobID] = []
    /// How many wait for a worker.
    var queued = 0
    /// How many workers there are.
    var workers = 0
    /// Jobs of other programs that no worker is known to have begun and that were given up.
    var left: [JobID] = []
    /// Jobs whose message is lost if their queue is empty now, by their queue.
    var doubted: [String: [LostMessage]] = [:]
}

/// A waiting job whose message may be lost.
struct LostMessage: Sendable, Hashable {
    var id: JobID
    /// When the message was last sent, as the record has it.
    var sent: String
}

/// Does what time brings about in the records: looks at what is due and applies the transitions that follow. Any process may
/// run one; all may at once.
final class RecordSweeper: Sendable {
    /// For how long a job whose worker is gone waits for its message to come back by itself.
    static let orphanedAfter = Duration.seconds(5)

    private struct Notes {
        /// Since when workers that have jobs are not seen, by this process' clock.
        var absences: [String: ContinuousClock.Instant] = [:]
        /// Where the search for lost messages goes on, and when.
        var cursor = "0"
        var nextLook = ContinuousClock.now
    }

    private let records: JobRecords
    private let notes = Mutex(Notes())

    init(_ records: JobRecords) {
        self.records = records
    }

    private var rules: JobRules { records.rules }

    /// Looks at what is due and applies what follows.
    ///
    /// - Parameter asked: Jobs whose news are waited for.
    func sweep(asked: [JobID]) async throws -> RecordSweep {
        let said: [any RedisArgument] = [
            records.interest.waiting, rules.limits.keepFinished.wholeMilliseconds, records.interest.running,
        ]
        let answer = try await records.call(
            RecordScripts.due,
            with: ["", records.settings.testTime] + said + asked.map(\.text),
            patience: .zero
        )
        func ids(_ place: Int) -> [JobID] { answer[place].texts.compactMap { JobID($0) } }
        let living = Set(answer[2].texts)
        var found = RecordSweep()
        found.hasMore = answer[0].number == 1
        (found.queued, found.workers) = (answer[1].number ?? 0, living.count)
        // The one that was due first is put where the next is taken.
        var waiting = try await apply(to: ids(3).reversed()) { [rules] facts in
            rules.becomeDue(facts.job).map { RecordCommit($0, of: facts) }
        }
        _ = try await apply(to: ids(4)) { [rules, records] facts in
            rules.abandon(facts.job).map { records.ending($0, facts) }
        }
        found.left = try await giveUp(ids(5))
        _ = try await records.commit(ids(6).map { RecordCommit(unread: rules.expire($0)) })
        waiting += try await land(ids(7))
        waiting += try await takeUp(ids(10), living)
        found.remote = ids(9)
        found.unsent = ids(8) + (records.settings.isBroker ? [] : waiting)
        found.doubted = try await lostMessages()
        return found
    }

    /// Applies transitions to jobs, each as it is now.
    ///
    /// - Returns: The jobs that wait for a worker afterwards.
    private func apply(to ids: [JobID], _ commit: (RecordFacts) -> RecordCommit?) async throws -> [JobID] {
        var waiting: [JobID] = []
        for id in ids where try await records.apply(to: id, commit)?.job.state == .queued { waiting.append(id) }
        return waiting
    }

    /// Ends the tasks of other programs that were not asked for in their time.
    ///
    /// - Returns: Those that no worker is known to have begun.
    private func giveUp(_ ids: [JobID]) async throws -> [JobID] {
        var left: [JobID] = []
        for id in ids {
            var (isKnown, isWaiting) = (false, false)
            let ended = try await records.apply(to: id) { facts in
                (isKnown, isWaiting) = (true, facts.job.state == .queued)
                let silence = JobRules.RemoteReport.silent(records.settings.remoteSilence)
                let transition = isWaiting ? rules.abandon(facts.job) : rules.remote(facts.job, silence)
                return transition.map { records.ending($0, facts) }
            }
            if !isKnown { _ = try await forget(id, in: "wanted") }
            if isWaiting, ended?.job.state == .cancelled { left.append(id) }
        }
        return left
    }

    /// Finishes what other processes began with the followers of jobs that ended.
    private func land(_ leaders: [JobID]) async throws -> [JobID] {
        var leading: [JobID] = []
        for leader in leaders {
            let news = try await records.update(of: leader, after: .max)?.news
            let end = news.flatMap { $0.state.isFinished ? JobEnd($0.state, failure: $0.failure) : nil }
            leading += try await records.land(leader, with: end)
            _ = try await forget(leader, in: "landings")
        }
        return leading
    }

    /// Has jobs run again whose worker has been gone for a while, so that their message has not come back by itself.
    private func takeUp(_ ids: [JobID], _ living: Set<String>) async throws -> [JobID] {
        var orphans: [JobID] = []
        for (id, facts) in zip(ids, try await records.facts(of: ids)) {
            guard let facts else {
                _ = try await forget(id, in: "running")
                continue
            }
            let holder = facts.holder ?? ""
            if !living.contains(holder), isGone(holder) { orphans.append(id) }
        }
        notes.withLock { notes in
            for worker in living { notes.absences[worker] = nil }
        }
        return try await apply(to: orphans) { [rules, records] facts in
            rules.interrupt(facts.job, by: .worker(facts.holder)).map { records.ending($0, facts) }
        }
    }

    private func isGone(_ worker: String) -> Bool {
        notes.withLock { notes in
            let since = notes.absences[worker] ?? .now
            notes.absences[worker] = since
            return since.duration(to: .now) > Self.orphanedAfter
        }
    }

    private func forget(_ id: JobID, in set: String) async throws -> RedisValue {
        try await records.send(RedisCommand("ZREM", records.settings.prefix + set, id.text))
    }

    // MARK: Lost messages

    /// Looks at the next of the waiting jobs: one whose queue is empty and whose message no worker holds is sent again, the
    /// oftener it was, the later. A message that is sent for nothing does no harm: a job begins once.
    ///
    /// - Returns: Those that another broker's queues have to be looked at for.
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

    /// The jobs that have waited for long since their message was sent, by their list.
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

    /// Whether a worker has the message of a job and has not begun it yet.
    private func isHeld(_ id: JobID) async throws -> Bool {
        guard let tag = try await records.message(of: id).flatMap({ KombuEnvelope.tag(of: $0) }) else { return false }
        return try await records.send(RedisCommand("HEXISTS", records.settings.keys.unacked, tag)) == .integer(1)
    }

    /// Has a waiting job's message sent again, unless that was done meanwhile.
    ///
    /// - Returns: whether it is to be sent, where this Redis is not the broker.
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
