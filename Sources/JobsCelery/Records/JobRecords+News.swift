import CeleryProtocol
import DashJSON
import Jobs
import RedisClient

/// A job's update, as read from its record.
struct RecordedNews: Sendable {
    var news: JobUpdate
    /// Whether another program's worker runs the job.
    var isRemote: Bool
}

extension JobRecords {
    /// Reads a job; nil if it is unknown or expired. Renews the interest in a queued job and in another program's task.
    func update(of id: JobID, after sequence: Int) async throws -> RecordedNews? {
        let keep = rules.limits.keepFinished.wholeMilliseconds
        let answer = try await call(RecordScripts.news, id, sequence, keep, interest.waiting, interest.running)
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
        news.failure = JobFailure(recorded: fields[12...15])
        for entry in answer[1].elements ?? [] { news.add(entry.bytes ?? []) }
        return RecordedNews(news: news, isRemote: fields[16].text == "1")
    }

    /// Stores the last delivery to a page.
    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        _ = try await call(RecordScripts.record, id, delivery.recorded, interest.waiting, interest.running)
    }

    /// How long another program's task is kept after a poll or an event, waiting and running, in milliseconds.
    var interest: (waiting: Int64, running: Int64) {
        (rules.limits.abandonQueuedAfter.wholeMilliseconds, settings.remoteSilence.wholeMilliseconds)
    }

    /// Reads a cached result and records its use.
    func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await call(RecordScripts.cachedResult, nil, key.text).bytes.map { RawJSON(unchecked: $0) }
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
            let value = PropertyValue.list(
                from: [UInt8(ascii: "[")] + entry[(mark + 2)...] + [UInt8(ascii: "]")]
            )?.first
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

extension JobFailure {
    /// Reads kind, code, message and trace.
    init?(recorded: ArraySlice<RedisValue>) {
        let texts = recorded.map(\.text)
        guard let kind = texts[0] else { return nil }
        self.init(kind: Kind(rawValue: kind), code: texts[1] ?? "", message: texts[2] ?? "", trace: texts[3])
    }
}

/// Sends the messages stored in records, for a broker that is not their Redis.
struct JobSender: Sendable {
    let records: JobRecords
    let broker: any CeleryBroker

    /// Sends a job's message. A duplicate is detected when the job begins.
    func send(_ id: JobID) async throws {
        guard let envelope = try await records.message(of: id) else { return try await records.sent(id) }
        try await broker.publish(KombuEnvelope.decode(envelope).task)
        try await records.sent(id)
    }

    /// Sends a job's message if it is marked as unsent.
    func sendIfWaiting(_ id: JobID) async throws {
        let place = try await records.send(RedisCommand("ZSCORE", records.settings.prefix + "unsent", id.text))
        if place != .null { try await send(id) }
    }
}

/// A message stored in a record, so that it can be sent again.
struct KeptMessage: Sendable, Hashable {
    /// Its list on a Redis broker.
    var list: String
    /// The message in kombu's format.
    var envelope: [UInt8]

    init(_ task: BrokerMessage, keys: RedisKeys) {
        list = keys.list(of: task.routingKey, priority: task.priority)
        envelope = KombuEnvelope.encode(task)
    }
}
