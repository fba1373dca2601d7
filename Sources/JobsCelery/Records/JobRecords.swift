import CeleryProtocol
import DashJSON
package import Jobs
import RedisClient
import Support

/// The records of Dash jobs in Redis: the source of truth, shared by all web servers and workers.
///
/// A queued job is a Celery message, which makes it run, and a record, which holds its state. Every change is a
/// transition of `JobRules`, applied by one script: all of it, or none if a guard fails. Transitions are idempotent.
/// Each publishes on the job's channel, which wakes the waiters; no polling.
///
/// Keys, all under a prefix (`dash:`):
///
/// | key | type | content |
/// |---|---|---|
/// | `job:<id>` | hash | the request (`name owner page version details size remote`, the message and its list, the retry policy, the cache key), the status (`state attempt fence holder tag failures interruptions sequence sent resent finished due endReason stopCode stopMessage orphaned reported follows`), the failure, the result, the delivery, the last commits (`commit ended`) |
/// | `changes:<id>` | sorted set | progress and properties by sequence number: `previous,first,bytes;sort[id,property,value]` |
/// | `places:<id>` | hash | for each property the numbers of its newest change and of the oldest one still needed |
/// | `queued` | sorted set | jobs that wait for a worker, by the time of their last poll |
/// | `scheduled` | sorted set | delayed jobs, by due time |
/// | `running` | sorted set | jobs that a worker holds, by the next check of the worker |
/// | `remote` | sorted set | jobs that another program's workers run, by the next check of Celery's result |
/// | `wanted` | sorted set | the same jobs, by when they expire without a poll or an event |
/// | `unsent` | sorted set | jobs whose message is still to be sent, by the next attempt (a broker that is not this Redis) |
/// | `finished` | sorted set | finished jobs, by completion time |
/// | `owners`, `totals` | hash | unfinished jobs of each owner; bytes of all inputs and of cached results, the search for lost messages |
/// | `cache:<key>` | hash | a cached result, its last use, its lifetime |
/// | `flights` | hash | for each cache key the unfinished job that makes its result |
/// | `followers:<key>` | list | the jobs that wait for that result (their `follows`), in start order |
/// | `landing:<id>`, `landings` | list, sorted set | the followers of a finished job that still have to complete or to run; those finished jobs |
/// | `cached`, `cacheSizes` | sorted set, hash | cached results by last use; their bytes |
/// | `capacity` | hash | the number of jobs that each worker runs at once |
/// | `workers` | sorted set | workers by the end of their lease, in seconds by Redis' clock |
///
/// The changes of a property form a chain: a value replaces the chain, a Patch is appended to it. A reader gets its
/// missing changes with one range query, and a writer never reads a value.
///
/// All times come from Redis' clock. The expiry of a key is only for cleanup, and longer than any rule.
struct JobRecords: Sendable {
    let connections: CeleryConnections
    let settings: RecordSettings

    private var redis: any RedisClient { connections.redis }
    var rules: JobRules { settings.rules }

    /// The pattern of the channels that announce updates of jobs.
    var doorbells: String { settings.prefix + "news:*" }
    /// The channel of cancelled jobs.
    var cancellations: String { settings.prefix + "cancel" }

    /// The job whose updates a channel announces.
    func job(ofDoorbell channel: String) -> JobID? {
        JobID(String(channel.dropFirst(settings.prefix.count + "news:".count)))
    }

    /// Celery's key and channel of a task's result.
    func metaKey(of id: JobID) -> String { settings.metaPrefix + id.text }

    // MARK: Transitions

    /// Applies a transition.
    func commit(_ commit: RecordCommit) async throws -> CommitResult {
        try await self.commit([commit])[0]
    }

    /// Applies several transitions in one round trip, each atomically.
    func commit(_ commits: [RecordCommit]) async throws -> [CommitResult] {
        guard !commits.isEmpty else { return [] }
        let calls = commits.map { commit in
            var writer = CommitWriter(commit, settings)
            return writer.call(keys)
        }
        let answers = try await retrying { try await redis.run(calls) }
        return try zip(commits, answers).map { commit, answer in
            if case .error(let message) = answer { throw CommitScript().composed.error(message) }
            return try result(of: commit, answer)
        }
    }

    private func result(of commit: RecordCommit, _ answer: RedisValue) throws -> CommitResult {
        let facts = RecordFacts(commit.transition.id, answer[3])
        switch answer[0].text {
        case "applied": return .applied(answer[2], facts)
        case "repeated": return .applied(nil, facts)
        case "refused":
            let guards = commit.transition.guards
            let place = (answer[1].number ?? 0) - 1
            return .refused(guards.indices.contains(place) ? guards[place] : nil, found: answer[2].number, facts)
        default: throw CeleryError(.malformed, "Redis returned an invalid reply to a transition of a job.")
        }
    }

    /// Reads jobs; nil for unknown ones.
    func facts(of ids: [JobID]) async throws -> [RecordFacts?] {
        guard !ids.isEmpty else { return [] }
        let commands = ids.map { id in
            RedisCommand(["HMGET", settings.prefix + "job:" + id.text] + RecordFacts.fields)
        }
        let answers = try await retrying { try await redis.send(commands) }
        return zip(ids, answers).map { RecordFacts($0, $1) }
    }

    // MARK: Calls

    /// `KEYS` of all scripts.
    var keys: [String] { [settings.prefix, settings.keys.lifeLinePrefix] }

    /// Runs a script, for a job or for none, again if the connection was lost: every script is idempotent.
    ///
    /// - Parameter patience: How long to retry; nil for the value of the settings.
    func call(
        _ script: RedisScript,
        _ id: JobID? = nil,
        _ arguments: [any RedisArgument] = [],
        patience: Duration? = nil
    ) async throws -> RedisValue {
        try await retrying(for: patience) {
            try await redis.run(script, keys: keys, arguments: [id?.text ?? "", settings.testTime] + arguments)
        }
    }

    /// Sends an idempotent command.
    func send(_ command: RedisCommand) async throws -> RedisValue {
        try await retrying { try await redis.send(command) }
    }

    private func retrying<Value>(for time: Duration? = nil, _ body: () async throws -> Value) async throws -> Value {
        let deadline = ContinuousClock.now + (time ?? settings.patience)
        var backoff = Backoff(first: .milliseconds(10), longest: .milliseconds(500))
        while true {
            let wait = backoff.next()
            do {
                return try await body()
            } catch let error as CeleryError where error.code == .connectionLost || error.code == .unreachable {
                guard ContinuousClock.now + wait < deadline, !Task.isCancelled else { throw error }
            }
            // Backoff while the connection is restored.
            try await Task.sleep(for: wait)
        }
    }
}

struct RecordSettings: Sendable {
    var options = CeleryManager.Options()
    /// Whether the broker is the same Redis, so that the scripts send and acknowledge messages.
    var isBroker: Bool
    var rules = JobRules(JobManagerConfiguration())
    /// A test's clock; nil for Redis' own, which all servers and workers share.
    var clock: (any JobClock)?
    /// How long a queued job waits before its message is checked for loss.
    var doubt = Duration.seconds(10)
    /// How long a script is retried while Redis is unreachable.
    var patience = Duration.seconds(5)

    /// Prefix of all keys but Celery's.
    var prefix: String { options.keyPrefix }
    /// Prefix of the keys of Celery's results.
    var metaPrefix: String { ResultSettings(keyPrefix: options.resultKeyPrefix).key(of: "") }
    /// The broker's keys.
    var keys: RedisKeys { RedisKeys(prefix: isBroker ? options.brokerKeyPrefix : "") }

    /// The expiry of a finished record if no server removes it, in milliseconds after completion.
    var collection: Int64 {
        min(rules.limits.keepFinished.wholeMilliseconds, Self.longestLife / 4) * 2 + 3_600_000
    }

    /// The time by a test's clock as an argument of scripts; empty for Redis' own.
    var testTime: String { clock.map { "\($0.now().wall.milliseconds)" } ?? "" }

    /// In milliseconds; the sum with the present time must not overflow in Redis.
    static let longestLife: Int64 = 10 * 365 * 86_400_000
}

// Transitions outside of an attempt.
extension JobRecords {
    /// Stores a new job; on a Redis broker the same script sends its message.
    ///
    /// - Returns: Whether its message must be sent, unless this Redis is the broker. Not if the job exists already,
    ///   follows another one with its cache key, or has a cached result.
    /// - Throws: `JobsError` if a limit refuses the start.
    func start(_ request: JobRequest, message: BrokerMessage) async throws -> Bool {
        let name = JobID.new.text
        var use = JobRules.KeyUse.unknown
        while true {
            let transition = try rules.start(request, key: use)
            let commit = RecordCommit(transition, starting: request, message, name: name)
            switch try await self.commit(commit) {
            case .applied: return transition.sendsMessage
            case .refused(.isNew?, _, _): return false
            case .refused(let failed?, let found, _):
                if let error = JobSentences.refusal(failed, found: found ?? 0) { throw error }
                use = rules.keyUse(after: failed) ?? .unknown
            case .refused(nil, _, _): throw CeleryError(.malformed, "Redis refused a start and gave no reason.")
            }
        }
    }

    /// Withdraws a job whose message could not be sent.
    func withdraw(_ id: JobID) async throws {
        try await apply(to: id) { rules.withdraw($0.job) }
    }

    /// - Returns: Whether another program's worker must be asked to stop.
    func cancel(_ id: JobID, reason: String) async throws -> Bool {
        try await apply(to: id) { rules.cancel($0.job, reason: reason) }?.job.isRemote ?? false
    }

    /// Celery's results of tasks, unparsed.
    func metas(of ids: [JobID]) async throws -> [[UInt8]?] {
        guard !ids.isEmpty else { return [] }
        let keys = ids.map { metaKey(of: $0).redisBytes }
        return try await send(RedisCommand(["MGET".redisBytes] + keys)).elements?.map(\.bytes) ?? []
    }

    /// Applies Celery's result of a job.
    ///
    /// - Parameter meta: The text of the result; the same text is applied once.
    /// - Returns: Whether the job is finished.
    func take(_ meta: [UInt8], of id: JobID, _ codec: any JobCodec) async throws -> Bool {
        let digest = RedisScript("", String(decoding: meta, as: UTF8.self)).digest
        var known: JobState?
        let taken = try await apply(to: id) { facts -> RecordCommit? in
            if facts.job.isRemote { known = facts.job.state }
            guard let report = JobRules.RemoteReport(meta: meta, of: facts.job.name, codec: codec),
                let transition = rules.remote(facts.job, report)
            else { return nil }
            var commit = RecordCommit(transition, of: facts)
            commit.report = digest
            return commit
        }
        return (taken?.job.state ?? known)?.isFinished ?? true
    }

    /// Applies a transition outside of an attempt, again if the job changed meanwhile.
    ///
    /// - Returns: The job as read, with its new state; nil if nothing was changed.
    @discardableResult
    func apply(to id: JobID, _ transition: (RecordFacts) -> JobTransition?) async throws -> RecordFacts? {
        try await apply(to: id) { facts in transition(facts).map { ending($0, facts) } }
    }

    /// Applies the transition that follows from a job, again if the job changed meanwhile, and completes its followers.
    ///
    /// - Parameters:
    ///   - expected: What is known of the job; nil to read it first.
    ///   - commit: Returns the transition for the facts of a job; nil for none.
    /// - Returns: The job as read, with its new state; nil if nothing was changed.
    @discardableResult
    func apply(
        to id: JobID,
        expected: RecordFacts? = nil,
        _ commit: (RecordFacts) -> RecordCommit?
    ) async throws -> RecordFacts? {
        let name = JobID.new.text
        var facts = if let expected { expected } else { try await self.facts(of: [id])[0] }
        while var known = facts {
            guard var commit = commit(known) else { return nil }
            if commit.name.isEmpty { commit.name = name }
            switch try await self.commit(commit) {
            case .applied(let answer, let found):
                if answer?.text == "landing" { try await land(id, with: commit.transition.end) }
                if let state = commit.transition.state { known.job.state = state }
                return found ?? known
            // These guards do not depend on the job: a retry would fail the same way.
            case .refused(.isOver?, _, _), .refused(.isGone?, _, _), .refused(nil, _, _): return nil
            case .refused(_, _, let found): facts = found
            }
        }
        return nil
    }

    /// A transition outside of an attempt, with the result for Celery's programs if it ends the job.
    func ending(_ transition: JobTransition, _ facts: RecordFacts) -> RecordCommit {
        var commit = RecordCommit(transition, of: facts)
        if let end = transition.end {
            commit.meta = ResultMeta(end, taskID: transition.id.text, at: WallClock.milliseconds())?.jsonBytes()
        }
        return commit
    }
}

extension JobTransition {
    /// Whether the job's message must be sent.
    var sendsMessage: Bool {
        changes.contains { change in
            if case .queue = change { true } else { false }
        }
    }
}

extension ResultMeta {
    /// The result of a job for Celery's programs; nil for a success, whose value the site's codec makes.
    package init?(_ end: JobEnd, taskID: String, at now: Int64) {
        switch end.state {
        case .cancelled:
            let word = end.reason == nil ? "terminated" : "revoked"
            self.init(taskID: taskID, .revoked, exception: .revoked(word), now: now)
        default:
            guard let failure = end.failure else { return nil }
            self.init(taskID: taskID, .failure, exception: TaskException(failure), now: now)
            traceback = failure.trace
        }
    }
}

// The followers of a finished job.
extension JobRecords {
    /// Completes the followers of a job with its outcome if that is shared; otherwise the first follower becomes the
    /// leader of the others. Each is a separate transition, up to 100 in one round trip. If the process dies meanwhile,
    /// a sweep resumes.
    ///
    /// - Parameter end: The outcome of the job; nil if it did not finish.
    func land(_ leader: JobID, with end: JobEnd?) async throws {
        var leading: [JobID] = []
        while true {
            let list = RedisCommand("LRANGE", settings.prefix + "landing:" + leader.text, 0, 99)
            let ids = try await send(list).texts.compactMap { JobID($0) }
            if ids.isEmpty { break }
            let known = zip(ids, try await facts(of: ids))
            if let end, end.isShared {
                try await share(end, of: leader, with: known.map { ($0, $1) })
            } else {
                for (id, facts) in known where try await takeOver(id, facts, of: leader) { leading.append(id) }
            }
        }
        // Not before all others follow the new leader: it could finish before they do, and they would run too.
        for id in leading { await sendIfWaiting(id) }
    }

    private func share(_ end: JobEnd, of leader: JobID, with followers: [(JobID, RecordFacts?)]) async throws {
        var end = end
        if end.state == .succeeded { end.result = .of(leader) }
        let commits = followers.map { id, facts in
            guard let facts, facts.job.isFollowing, !facts.job.state.isFinished else { return landed(id, leader) }
            var commit = ending(rules.share(end, with: facts.job), facts)
            commit.landedFrom = leader
            commit.name = JobID.new.text
            return commit
        }
        for (commit, result) in zip(commits, try await self.commit(commits)) {
            // A follower that finished meanwhile is only removed from the list.
            if case .refused = result { _ = try await self.commit(landed(commit.transition.id, leader)) }
        }
    }

    /// - Returns: Whether the follower is the leader now.
    private func takeOver(_ id: JobID, _ facts: RecordFacts?, of leader: JobID) async throws -> Bool {
        var (facts, isTaken) = (facts, false)
        let name = JobID.new.text
        while let known = facts, known.job.isFollowing, known.job.state == .queued,
            let transition = rules.takeOver(known.job, isTaken: isTaken)
        {
            var commit = RecordCommit(transition, of: known, name: name)
            commit.landedFrom = leader
            switch try await self.commit(commit) {
            case .applied: return !isTaken
            case .refused(.isFree?, _, _): isTaken = true
            case .refused(.isTaken?, _, _): isTaken = false
            case .refused(_, _, let found): facts = found
            }
        }
        _ = try await commit(landed(id, leader))
        return false
    }

    /// Removes a job from a landing list.
    private func landed(_ id: JobID, _ leader: JobID) -> RecordCommit {
        var commit = RecordCommit(unread: JobTransition(id, to: nil, []))
        commit.landedFrom = leader
        return commit
    }
}
