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
