import CeleryProtocol
import DashJSON
import Jobs
import RedisClient

extension JobRecords {
    /// Reads a job; nil if it is unknown or expired. Renews the interest in a queued job and in another program's task.
    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        let keep = rules.limits.keepFinished.wholeMilliseconds
        let answer = try await call(RecordScripts.news, id, [sequence, keep, interest.waiting, interest.running])
        guard let fields = answer[0].elements, fields.count == 17,
            let state = fields[0].text.flatMap(JobState.init(rawValue:))
        else { return nil }
        var news = JobUpdate(
            id: id,
            name: fields[2].text ?? "",
            owner: fields[3].text ?? "",
            page: fields[4].text ?? "",
            version: fields[5].text ?? "",
            state: state
        )
        news.attempt = fields[6].number ?? 0
        news.endReason = fields[7].text
        news.sequence = fields[8].number ?? 0
        news.result = fields[9].bytes.map { RawJSON(unchecked: $0) }
        news.details = fields[10].bytes ?? []
        news.delivery = fields[11].text.flatMap { Jobs.Delivery(recorded: $0) }
        news.failure = Self.failure(fields[12...15].map(\.text))
        for entry in answer[1].elements ?? [] { news.add(entry.bytes ?? []) }
        news.isRemote = fields[16].text == "1"
        return news
    }

    /// The failure with this kind, code, message and trace; nil without a kind.
    private static func failure(_ texts: [String?]) -> JobFailure? {
        guard let kind = texts[0] else { return nil }
        return JobFailure(kind: .init(kind), code: texts[1] ?? "", message: texts[2] ?? "", trace: texts[3])
    }

    /// Stores the last delivery to a page.
    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        _ = try await call(RecordScripts.record, id, [delivery.recorded, interest.waiting, interest.running])
    }

    /// How long another program's task is kept after a poll or an event, waiting and running, in milliseconds.
    var interest: (waiting: Int64, running: Int64) {
        (rules.limits.abandonQueuedAfter.wholeMilliseconds, settings.options.remoteSilence.wholeMilliseconds)
    }

    /// Reads a cached result and records its use.
    func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await call(RecordScripts.cachedResult, nil, [key.text]).bytes.map { RawJSON(unchecked: $0) }
    }

    /// Counts jobs. Tasks of other programs count as running, because it is not known whether they wait.
    func statistics() async throws -> JobStatistics {
        let answer = try await call(RecordScripts.statistics, patience: .zero)
        let counts = (answer.elements ?? []).map { $0.number ?? 0 }
        guard counts.count == 5 else { return JobStatistics() }
        return JobStatistics(
            queued: counts[0],
            scheduled: counts[1],
            running: counts[2] + counts[3],
            maximumRunning: counts[4]
        )
    }
}

extension JobUpdate {
    /// Adds a change in the format of the script `commit`: numbers, a semicolon, `0` for progress or `1` for
    /// properties, the value.
    fileprivate mutating func add(_ entry: [UInt8]) {
        guard let mark = entry.firstIndex(of: UInt8(ascii: ";")), mark + 1 < entry.count,
            let value = PropertyValue.list(from: Array("[".utf8) + entry[(mark + 2)...] + Array("]".utf8))?.first
        else { return }
        if entry[mark + 1] == UInt8(ascii: "0") { progress.append(value) } else { props.append(value) }
    }
}

extension Jobs.Delivery {
    /// The format of the scripts.
    var recorded: String { "\(poll),\(from),\(through)" }

    init?(recorded: String) {
        let numbers = recorded.split(separator: ",").compactMap { Int($0) }
        guard numbers.count == 3 else { return nil }
        self.init(poll: numbers[0], from: numbers[1], through: numbers[2])
    }
}

// The messages stored in records, for a broker that is not their Redis.
extension JobRecords {
    /// Sends a job's message. A duplicate is detected when the job begins.
    func sendMessage(of id: JobID) async throws {
        if let envelope = try await message(of: id) {
            try await connections.broker.publish(KombuEnvelope.decode(envelope).task)
        }
        try await sent(id)
    }

    /// Sends a job's message if it is marked as unsent. If that fails, a sweep sends it.
    func sendIfWaiting(_ id: JobID) async {
        guard !settings.isBroker else { return }
        let place = try? await send(RedisCommand("ZSCORE", settings.prefix + "unsent", id.text))
        if let place, place != .null { try? await sendMessage(of: id) }
    }

    /// Marks a job's message as sent.
    func sent(_ id: JobID) async throws {
        _ = try await send(RedisCommand("ZREM", settings.prefix + "unsent", id.text))
    }

    /// The message of an unfinished job.
    func message(of id: JobID) async throws -> [UInt8]? {
        try await send(RedisCommand("HGET", settings.prefix + "job:" + id.text, "message")).bytes
    }
}
