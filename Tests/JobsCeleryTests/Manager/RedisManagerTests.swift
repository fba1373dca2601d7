import Jobs
import JobsConformance
import Logging
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite("A manager on Redis", .takesTurns, .serialized, .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisManagerTests {
    @Test("conforms to the rules of all managers", .timeLimit(.minutes(10)), arguments: JobManagerConformance.selected)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let url = try await RedisServer.shared().database()
        try await check.run(JobManagerConformance { try SettledManager(url, $0) })
    }

    @Test(
        "conforms to the rules for faults, with messages and records in different Redis databases",
        .timeLimit(.minutes(10)),
        arguments: JobManagerConformance.selected.filter { $0.testDescription.hasPrefix("F") }
    )
    func keepsApart(_ check: JobManagerConformance.Check) async throws {
        let messages = try await RedisServer.shared().database()
        let records = try await RedisServer.shared().database()
        try await check.run(JobManagerConformance { try SettledManager(messages, records: records, $0) })
    }
}

extension SettledManager {
    /// A manager and a worker on one Redis.
    init(_ url: RedisURL, _ setup: JobManagerConformance.Setup) throws {
        try self.init(setup, managing: .patient(url), working: .patient(url), isBroker: true)
    }

    /// A manager and a worker whose messages and records are in different databases.
    init(_ messages: RedisURL, records: RedisURL, _ setup: JobManagerConformance.Setup) throws {
        func queue() -> CeleryConnections {
            let options = RedisOptions.patient(records)
            let (client, subscriber) = (ReconnectingRedisClient(options), RedisPubSub(options))
            let broker = RedisBroker.patient(messages)
            return CeleryConnections(broker, client, subscriber, options, [client, subscriber, broker])
        }
        try self.init(setup, managing: queue(), working: queue(), isBroker: false)
    }
}
