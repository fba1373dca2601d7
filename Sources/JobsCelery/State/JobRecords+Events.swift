import DashJSON
import Jobs
import Support

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
enum RemoteNews: Sendable {
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
    func take(_ news: RemoteNews, of id: JobID, meta: [UInt8]) async throws -> Bool {
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
