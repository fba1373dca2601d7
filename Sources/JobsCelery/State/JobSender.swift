import Jobs

/// Sends the messages that records keep, over a broker that is not their Redis.
struct JobSender: Sendable {
    let records: JobRecords
    let broker: any CeleryBroker

    /// Sends a job's message. It may come twice in the end; the second is found out when it is begun.
    func send(_ id: JobID) async throws {
        guard let envelope = try await records.message(of: id) else { return try await records.sent(id) }
        try await broker.publish(KombuEnvelope.decode(envelope).task)
        try await records.sent(id)
    }

    /// Sends a job's message if it is noted as not sent.
    func sendIfWaiting(_ id: JobID) async throws {
        let place = try await records.send(RedisCommand("ZSCORE", records.settings.prefix + "unsent", id.text))
        if place != .null { try await send(id) }
    }
}
