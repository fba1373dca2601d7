import DashJSON
import Jobs
import Support

/// The records of Dash jobs in Redis: the truth about them, which all web servers and workers share.
///
/// A job on the queue is a Celery message, which makes it run, and a record, which says how it stands. Every change is a
/// transition of `JobRules`, applied by one script: all of it, or nothing if a guard does not hold. It may be sent twice. Each ends
/// with a message on the job's channel, so that those who wait for news read them; no polling.
///
/// Keys, all under a prefix (`dash:`):
///
/// | key | type | content |
/// |---|---|---|
/// | `job:<id>` | hash | the request (`name owner page version details size remote`, the message and its list, the retry policy, the cache key), and how the job stands: `state attempt fence holder tag failures interruptions sequence sent resent finished due endReason stopCode stopMessage orphaned reported follows`, the failure, the result, the delivery, the last commits (`commit ended`) |
/// | `changes:<id>` | sorted set | progress and properties by the number of their change: `previous,first,bytes;sort[id,property,value]` |
/// | `places:<id>` | hash | for each property the numbers of its newest change and of the oldest that still counts |
/// | `queued` | sorted set | jobs that wait for a worker, by when they were last asked for |
/// | `scheduled` | sorted set | jobs that wait for a time, by it |
/// | `running` | sorted set | jobs that a worker has, by when to look for the worker next |
/// | `remote` | sorted set | jobs that another program's workers run, by when to look at Celery's result next |
/// | `wanted` | sorted set | the same, by until when they are kept without a question and without an event |
/// | `unsent` | sorted set | jobs whose message is still to be sent, by when to try (a broker that is not this Redis) |
/// | `finished` | sorted set | jobs that ended, by when |
/// | `owners`, `totals` | hash | unfinished jobs of each owner; bytes of all inputs and of cached results, the search for lost messages |
/// | `cache:<key>` | hash | a cached result, its last use, its time |
/// | `flights` | hash | for each cache key the unfinished job that makes its result |
/// | `followers:<key>` | list | the jobs that follow that one (their `follows`), in the order of their start |
/// | `landing:<id>`, `landings` | list, sorted set | the followers of a job that ended, which still have to end or to run; those jobs |
/// | `cached`, `cacheSizes` | sorted set, hash | cached results by their last use; their bytes |
/// | `capacity` | hash | how many jobs each worker runs at once |
/// | `workers` | sorted set | workers by the end of their lease, in seconds by Redis' clock |
///
/// The changes of a property are a chain: a value takes the place of the whole chain, a Patch is added to it. So a reader
/// gets what it lacks by one range, and a writer never reads a value.
///
/// All times come from Redis' clock. A time to live on a key is for tidying up only, and longer than any rule.
struct JobRecords: Sendable {
    let redis: any RedisClient
    let settings: RecordSettings

    init(redis: any RedisClient, settings: RecordSettings) {
        self.redis = redis
        self.settings = settings
    }

    var rules: JobRules { settings.rules }

    /// The channels of all jobs' news.
    var doorbells: String { settings.prefix + "news:*" }
    /// The channel of jobs that are to stop.
    var cancellations: String { settings.prefix + "cancel" }

    /// The job whose news a channel announces.
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

    /// Applies several in one round trip, each by itself.
    func commit(_ commits: [RecordCommit]) async throws -> [CommitResult] {
        guard !commits.isEmpty else { return [] }
        let calls = commits.map { CommitWriter.call($0, settings, keys: keys) }
        let answers = try await retrying(until: .now + settings.patience) { try await redis.run(calls) }
        return try zip(commits, answers).map { commit, answer in
            if case .error(let message) = answer { throw CommitScript().composed.error(message) }
            return try result(of: commit, answer)
        }
    }

    private func result(of commit: RecordCommit, _ answer: RedisValue) throws -> CommitResult {
        let facts = RecordFacts(commit.transition.id, answer[3])
        switch answer[0].text {
        case "applied": return .applied(answer[2], facts)
        case "repeated": return .repeated(facts)
        case "refused":
            let guards = commit.transition.guards
            let place = (answer[1].number ?? 0) - 1
            return .refused(guards.indices.contains(place) ? guards[place] : nil, found: answer[2].number, facts)
        default: throw CeleryError(.malformed, "Redis answered a transition of a job with something else.")
        }
    }

    /// What is known of jobs, nil for those that are not there.
    func facts(of ids: [JobID]) async throws -> [RecordFacts?] {
        guard !ids.isEmpty else { return [] }
        let commands = ids.map { id in
            RedisCommand(
                arguments: (["HMGET", settings.prefix + "job:" + id.text] + RecordFacts.fields).map(\.redisBytes)
            )
        }
        let answers = try await retrying(until: .now + settings.patience) { try await redis.send(commands) }
        return zip(ids, answers).map { RecordFacts($0, $1) }
    }

    // MARK: Calls

    /// What all scripts get as `KEYS`.
    var keys: [String] { [settings.prefix, settings.keys.lifeLinePrefix] }

    /// Runs a script, again if the connection was lost: every script may be sent twice.
    ///
    /// - Parameters:
    ///   - arguments: The job's id and the test's clock, then what the script says.
    ///   - patience: For how long to try; nil is as the settings say.
    func call(
        _ script: RedisScript,
        with arguments: [any RedisArgument],
        patience: Duration? = nil
    ) async throws -> RedisValue {
        try await retrying(until: .now + (patience ?? settings.patience)) {
            try await redis.run(script, keys: keys, arguments: arguments)
        }
    }

    /// Runs a script about a job, or about none.
    func call(
        _ script: RedisScript,
        _ id: JobID? = nil,
        _ arguments: any RedisArgument...,
        patience: Duration? = nil
    ) async throws -> RedisValue {
        try await call(script, with: [id?.text ?? "", settings.testTime] + arguments, patience: patience)
    }

    /// Sends a command that may be sent twice.
    func send(_ command: RedisCommand) async throws -> RedisValue {
        try await retrying(until: .now + settings.patience) { try await redis.send(command) }
    }

    private func retrying<Value>(
        until deadline: ContinuousClock.Instant,
        _ body: () async throws -> Value
    ) async throws -> Value {
        var backoff = Backoff(first: .milliseconds(10), longest: .milliseconds(500))
        while true {
            let wait = backoff.next()
            do {
                return try await body()
            } catch let error as CeleryError where error.code == .connectionLost || error.code == .unreachable {
                guard ContinuousClock.now + wait < deadline, !Task.isCancelled else { throw error }
            }
            // A back-off: the connection mends itself meanwhile.
            try await Task.sleep(for: wait)
        }
    }
}

/// What the records are kept by.
struct RecordSettings: Sendable {
    /// Stands before all keys but Celery's.
    var prefix = "dash:"
    /// Stands before the keys of Celery's results.
    var metaPrefix = "celery-task-meta-"
    /// How long Celery's results of Dash jobs are kept; zero keeps them for ever.
    var metaExpiry = Duration.seconds(86_400)
    /// Whether the broker is the same Redis, so that messages are sent and acknowledged by the scripts.
    var isBroker: Bool
    /// Where the broker keeps what workers hold.
    var keys = RedisKeys()
    /// How many bytes of results are cached for later starts.
    var maximumCacheBytes = 256 << 20
    var rules = JobRules(JobManagerConfiguration())
    /// A test's clock; nil is Redis' own, which all servers and workers share.
    var clock: (any JobClock)?
    /// For how long a worker counts as living that is not heard of.
    var lease = Duration.seconds(6)
    /// After so long without a worker a waiting job's message is looked for.
    var doubt = Duration.seconds(10)
    /// After so long without an event, and without a question, a task that another program's worker began counts as lost.
    var remoteSilence = Duration.seconds(3600)
    /// For how long a script is sent again while Redis is not reached.
    var patience = Duration.seconds(5)

    /// When a finished record is removed even if no server runs, in milliseconds after its end.
    var collection: Int64 {
        min(rules.limits.keepFinished.wholeMilliseconds, Self.longestLife / 4) * 2 + 3_600_000
    }

    /// The time by a test's clock as the scripts take it; empty for Redis' own.
    var testTime: String { clock.map { "\($0.now().wall.milliseconds)" } ?? "" }

    /// In milliseconds; Redis adds it to the present time, which must not overflow.
    static let longestLife: Int64 = 10 * 365 * 86_400_000
}

/// What became of a start.
enum RecordStart: Sendable, Hashable {
    /// Its message is to be sent, or is in its list already.
    case started
    /// It follows another job with its cache key, or has its result already: no message is to be sent.
    case waits
    /// There is one of this id already.
    case known
}

/// What Celery's result says of a job.
enum RemoteUpdate: Sendable {
    case running([PropertyValue])
    case ended(JobEnd)
}

// What happens to jobs outside of an attempt.
extension JobRecords {
    /// Takes a job in; on a Redis broker its message is sent by the same step.
    ///
    /// - Throws: `JobsError` for a start that is refused.
    func start(_ request: JobRequest, message: KeptMessage) async throws -> RecordStart {
        let name = JobID.new.text
        var use = JobRules.KeyUse.unknown
        while true {
            let transition = try rules.start(request, key: use)
            let commit = RecordCommit(transition, starting: request, message, name: name)
            switch try await self.commit(commit) {
            case .applied, .repeated: return transition.sendsMessage ? .started : .waits
            case .refused(.isNew?, _, _): return .known
            case .refused(let failed?, let found, _):
                if let error = JobSentences.refusal(failed, found: found ?? 0) { throw error }
                use = rules.keyUse(after: failed) ?? .unknown
            case .refused(nil, _, _): throw CeleryError(.malformed, "Redis refused a start without a reason.")
            }
        }
    }

    /// Notes that a job's message is with the broker.
    func sent(_ id: JobID) async throws {
        _ = try await send(RedisCommand("ZREM", settings.prefix + "unsent", id.text))
    }

    /// Takes a job back whose message could not be sent.
    func withdraw(_ id: JobID) async throws {
        try await apply(to: id) { facts in rules.withdraw(facts.job).map { RecordCommit($0, of: facts) } }
    }

    /// The message of a job that is not finished.
    func message(of id: JobID) async throws -> [UInt8]? {
        try await send(RedisCommand("HGET", settings.prefix + "job:" + id.text, "message")).bytes
    }

    /// Cancels a job.
    ///
    /// - Returns: whether another program's worker has to be asked to stop.
    func cancel(_ id: JobID, reason: String) async throws -> Bool {
        let cancelled = try await apply(to: id) { facts in
            guard let transition = rules.cancel(facts.job, reason: reason) else { return nil }
            return ending(transition, facts)
        }
        return cancelled?.job.isRemote ?? false
    }

    /// Celery's results of tasks, as they are.
    func metas(of ids: [JobID]) async throws -> [[UInt8]?] {
        guard !ids.isEmpty else { return [] }
        let keys = ids.map { metaKey(of: $0).redisBytes }
        return try await send(RedisCommand(arguments: ["MGET".redisBytes] + keys)).elements?.map(\.bytes) ?? []
    }

    /// Takes in what Celery's result says of a job.
    ///
    /// - Parameter meta: The text that it was read from; read twice it counts once.
    /// - Returns: whether the job has ended.
    func take(_ news: RemoteUpdate, of id: JobID, meta: [UInt8]) async throws -> Bool {
        let report = RedisScript("", String(decoding: meta, as: UTF8.self)).digest
        var known: JobState?
        let taken = try await apply(to: id) { facts in
            guard facts.job.isRemote else { return nil }
            known = facts.job.state
            var transition: JobTransition?
            switch news {
            case .ended(let end): transition = rules.remote(facts.job, .ended(end))
            case .running(let progress):
                transition = rules.remote(facts.job, .running)
                if !progress.isEmpty { transition?.changes.append(.merge(progress: progress, props: [])) }
            }
            guard let transition else { return nil }
            var commit = RecordCommit(transition, of: facts)
            commit.report = report
            return commit
        }
        return (taken?.job.state ?? known)?.isFinished ?? true
    }

    /// Reads a job and applies the transition that follows from it, again where it changed meanwhile.
    ///
    /// - Parameter commit: The transition from what is known of the job; nil where nothing is to be done.
    /// - Returns: The job as it was read, with its new state; nil if nothing was changed.
    @discardableResult
    func apply(to id: JobID, _ commit: (RecordFacts) -> RecordCommit?) async throws -> RecordFacts? {
        let name = JobID.new.text
        var facts = try await self.facts(of: [id])[0]
        while var known = facts {
            guard var commit = commit(known) else { return nil }
            if commit.name.isEmpty { commit.name = name }
            switch try await self.commit(commit) {
            case .applied(let answer, _):
                if answer.text == "landing" { try await land(id, with: commit.transition.end) }
                if let state = commit.transition.state { known.job.state = state }
                return known
            case .repeated(let found):
                return found ?? known
            // Neither is a matter of the job itself: asking again would find the same.
            case .refused(.isOver?, _, _), .refused(.isGone?, _, _), .refused(nil, _, _): return nil
            case .refused(_, _, let found): facts = found
            }
        }
        return nil
    }

    /// A transition that ends a job outside of an attempt, with what Celery's programs read as its result.
    func ending(_ transition: JobTransition, _ facts: RecordFacts) -> RecordCommit {
        var commit = RecordCommit(transition, of: facts)
        if let end = transition.end {
            commit.meta = ResultMeta(end, taskID: transition.id.text, at: WallClock.milliseconds())?.jsonBytes()
        }
        return commit
    }
}

extension JobTransition {
    /// Whether the job's message is to be sent.
    var sendsMessage: Bool {
        changes.contains { change in
            if case .queue = change { true } else { false }
        }
    }
}

extension ResultMeta {
    /// What Celery's programs read of the end of a job; nil for a result, whose value the site's codec makes.
    init?(_ end: JobEnd, taskID: String, at now: Int64) {
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

extension TaskException {
    /// Why a job ended without a result.
    init(_ failure: JobFailure) {
        switch failure.kind {
        case .crash: self = .workerLost(failure.message)
        case .lost:
            let arguments: [JSON] = [.string(failure.message)]
            self.init(type: "WorkerLostError", arguments: arguments, module: "billiard.exceptions")
        case .error, .incompatible: self = .swift(failure.code, failure.message)
        case .tooLarge where failure.code == "changes": self = .swift(failure.code, failure.message)
        default: self = .swift("WorkerFailure", failure.message)
        }
    }
}

// The followers of a job that ended.
extension JobRecords {
    /// Gives the followers of a job its end, where that is shared; otherwise the first of them leads and the others follow it.
    /// Each is a transition of its own, a hundred in one round trip. What a process that dies here leaves, a sweep finishes.
    ///
    /// - Parameter end: How the job ended; nil if it did not.
    /// - Returns: The followers whose message is to be sent, where this Redis is not the broker.
    @discardableResult
    func land(_ leader: JobID, with end: JobEnd?) async throws -> [JobID] {
        let shared = end.flatMap { $0.isShared ? $0 : nil }
        var leading: [JobID] = []
        while true {
            let list = RedisCommand("LRANGE", settings.prefix + "landing:" + leader.text, 0, 99)
            let ids = try await send(list).texts.compactMap { JobID($0) }
            guard !ids.isEmpty else { return leading }
            let known = zip(ids, try await facts(of: ids))
            if let shared {
                try await share(shared, of: leader, with: known.map { ($0, $1) })
            } else {
                for (id, facts) in known where try await takeOver(id, facts, of: leader) { leading.append(id) }
            }
        }
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
            // One that ended by itself meanwhile is only taken off the list.
            if case .refused = result { _ = try await self.commit(landed(commit.transition.id, leader)) }
        }
    }

    /// - Returns: whether the follower leads now.
    private func takeOver(_ id: JobID, _ facts: RecordFacts?, of leader: JobID) async throws -> Bool {
        var (facts, isTaken) = (facts, false)
        let name = JobID.new.text
        while let known = facts, known.job.isFollowing, known.job.state == .queued,
            let transition = rules.takeOver(known.job, isTaken: isTaken)
        {
            var commit = RecordCommit(transition, of: known, name: name)
            commit.landedFrom = leader
            switch try await self.commit(commit) {
            case .applied, .repeated: return !isTaken
            case .refused(.isFree?, _, _): isTaken = true
            case .refused(.isTaken?, _, _): isTaken = false
            case .refused(_, _, let found): facts = found
            }
        }
        _ = try await commit(landed(id, leader))
        return false
    }

    /// Takes a job off a landing list.
    private func landed(_ id: JobID, _ leader: JobID) -> RecordCommit {
        var commit = RecordCommit(unread: JobTransition(id, to: nil, []))
        commit.landedFrom = leader
        return commit
    }
}
