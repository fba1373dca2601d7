import DashJSON
import Jobs

/// What a sweep found.
struct RecordSweep: Sendable {
    /// Whether there is more to do at once.
    var hasMore: Bool
    /// Jobs whose message is to be sent now.
    var unsent: [JobID]
    /// Jobs of other programs' workers whose result is to be looked at now.
    var remote: [JobID]
    /// How many wait for a worker.
    var queued: Int
    /// How many workers there are.
    var workers: Int
    /// Jobs of other programs that no worker is known to have begun and that nobody wants any more.
    var left: [JobID]
    /// Jobs whose message is gone if their queue is empty now, by their queue.
    var doubted: [String: [JobID]]
}

/// What Celery's result tells of a job.
enum RemoteNews: Sendable {
    case running([PropertyValue])
    case succeeded([UInt8])
    case failed(JobFailure)
    case cancelled(reason: String)
}

extension JobRecords {
    /// How long a job whose worker is gone waits for its message to come back by itself.
    static let orphanedAfter = 5

    /// Does what time brings about.
    ///
    /// - Parameter asked: Jobs whose news somebody waits for.
    func sweep(asked: [JobID]) async throws -> RecordSweep {
        let answer = try await call(
            JobScripts.sweep,
            [
                ("orphanedAfter", Self.orphanedAfter), ("doubt", "\(settings.doubt / .seconds(1))"),
                ("unacked", settings.keys.unacked),
            ] + patience,
            rest: asked.map(\.text),
            patience: .zero
        )
        return RecordSweep(
            hasMore: answer[0].number == 1,
            unsent: answer[1].texts.compactMap { JobID($0) },
            remote: answer[2].texts.compactMap { JobID($0) },
            queued: answer[3].number ?? 0,
            workers: answer[4].number ?? 0,
            left: answer[6].texts.compactMap { JobID($0) },
            doubted: doubted(answer[5].elements ?? [])
        )
    }

    /// Pairs of a job and its list.
    private func doubted(_ pairs: [RedisValue]) -> [String: [JobID]] {
        var found: [String: [JobID]] = [:]
        for pair in pairs {
            guard let id = pair[0].text.flatMap({ JobID($0) }), let list = pair[1].text else { continue }
            found[settings.keys.queue(of: list), default: []].append(id)
        }
        return found
    }

    /// Notes that a job's message is to be sent again, unless it waits no more.
    func resend(_ id: JobID) async throws -> Bool {
        try await call(JobScripts.resend, [("id", id.text)]).number == 1
    }

    /// Celery's results of tasks, as they are.
    func metas(of ids: [JobID]) async throws -> [[UInt8]?] {
        guard !ids.isEmpty else { return [] }
        let keys = ids.map { metaKey(of: $0).redisBytes }
        return try await send(RedisCommand(arguments: ["MGET".redisBytes] + keys)).elements?.map(\.bytes) ?? []
    }

    /// Takes in what Celery's result tells of a job.
    ///
    /// - Parameter meta: The text that it was read from; said twice it counts once.
    /// - Returns: whether the job has ended.
    func take(_ news: RemoteNews, of id: JobID, meta: [UInt8]) async throws -> Bool {
        var named: [Argument] = [("id", id.text), ("meta", meta)] + patience
        var changes: [any RedisArgument] = []
        switch news {
        case .running(let progress):
            named.append(("sort", "running"))
            changes = progress.flatMap { $0.changeArguments(sort: 0) }
        case .succeeded(let result): named += [("sort", "succeeded"), ("result", result)] as [Argument]
        case .cancelled(let reason): named += [("sort", "cancelled"), ("reason", reason)] as [Argument]
        case .failed(let failure): named += [("sort", "failed")] + failure.recordArguments
        }
        let answer = try await call(JobScripts.remote, named, rest: changes).text
        return answer != "running" && answer != "queued"
    }
}

extension JobFailure {
    var recordArguments: [JobRecords.Argument] {
        [("kind", kind.rawValue), ("code", code), ("message", message), ("trace", trace ?? "")]
    }
}

extension PropertyValue {
    /// The four arguments that `JobScripts.merging` takes for a change.
    func changeArguments(sort: Int) -> [any RedisArgument] {
        var text = JSONWriter(capacity: value.bytes.count + id.utf8.count + property.utf8.count + 16)
        text.int(sort)
        encode(to: &text)
        let size = value.bytes.count + id.utf8.count + property.utf8.count + 96
        return ["\(sort)\0\(id)\0\(property)", isPatch ? 1 : 0, size, text.bytes]
    }
}
