import DashJSON
import Jobs

/// What became of the wish to start a job.
enum RecordInsertion: Sendable, Hashable {
    case started
    /// It waits for another job with the same key, or has its result already: no message is to be sent.
    case waits
    /// There is one of this id already.
    case known
    /// So many jobs wait already.
    case queueIsFull(Int)
    /// The inputs of unfinished jobs take so many bytes already.
    case bytesAreFull(Int)
    /// The owner has so many unfinished jobs already.
    case ownerIsFull(Int)
}

extension JobRecords {
    /// Takes a job in; on a Redis broker its message is sent by the same step.
    func insert(_ request: JobRequest, message: KeptMessage) async throws -> RecordInsertion {
        let rules = settings.rules
        let answer = try await call(
            JobScripts.insert,
            [
                ("id", request.id.text), ("owner", request.owner),
                ("size", request.payload.count + request.details.count),
                ("remote", request.remote == nil ? 0 : 1), ("maximumQueued", rules.maximumQueued),
                ("maximumBytes", rules.maximumUnfinishedBytes), ("maximumPerOwner", rules.maximumPerOwner),
                ("cacheKey", request.cache?.key.text ?? ""), ("usesKept", request.cache?.usesKept ?? false ? 1 : 0),
            ] + patience,
            rest: fields(of: request, message).flatMap { [$0.name, $0.value] as [any RedisArgument] }
        )
        let number = answer[1].number ?? 0
        switch answer[0].text {
        case "started": return .started
        case "waits": return .waits
        case "known": return .known
        case "busy": return .queueIsFull(number)
        case "bytes": return .bytesAreFull(number)
        case "owner": return .ownerIsFull(number)
        default: throw CeleryError(.malformed, "Redis gave another answer than the start of a job has.")
        }
    }

    private func fields(of request: JobRequest, _ message: KeptMessage) -> [Argument] {
        let retries = request.retries
        var fields: [Argument] = [
            ("name", request.name), ("page", request.page), ("version", request.version), ("details", request.details),
            ("list", message.list), ("message", message.envelope), ("retryLimit", retries.limit),
            ("retryFirst", retries.backoff.first.wholeMilliseconds), ("retryFactor", "\(retries.backoff.factor)"),
            ("retryLongest", retries.backoff.longest.wholeMilliseconds),
        ]
        if let cache = request.cache {
            fields += [
                ("cacheKey", cache.key.text), ("cacheExpire", cache.expire.map { "\($0.wholeMilliseconds)" } ?? ""),
            ]
        }
        return fields
    }

    /// Notes that a job's message is with the broker.
    func sent(_ id: JobID) async throws {
        _ = try await send(RedisCommand("ZREM", settings.prefix + "unsent", id.text))
    }

    /// Takes a job back whose message could not be sent.
    func withdraw(_ id: JobID) async throws {
        _ = try await call(JobScripts.withdraw, [("id", id.text)])
    }

    /// The message of a job that is not finished.
    func message(of id: JobID) async throws -> [UInt8]? {
        try await send(RedisCommand("HGET", settings.prefix + "job:" + id.text, "message")).bytes
    }
}
