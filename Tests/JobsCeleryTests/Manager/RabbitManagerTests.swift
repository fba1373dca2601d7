import Foundation
import Jobs
import JobsConformance
import Logging
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ
@testable import RedisClient

@Suite(
    "A manager on RabbitMQ with results in Redis",
    .takesTurns,
    .serialized,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot)
)
struct RabbitManagerTests {
    @Test("conforms to the rules of all managers", .timeLimit(.minutes(10)), arguments: JobManagerConformance.selected)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let results = try await RedisServer.shared().database()
        let broker = try AMQPURL(try await RabbitServer.shared().address)
        let queue = "dash-\(JobID.new)"
        try await check.run(JobManagerConformance { try SettledManager(broker, queue, results, $0) })
    }
}

extension SettledManager {
    /// A manager and a worker on RabbitMQ, with records in Redis.
    init(_ broker: AMQPURL, _ queue: String, _ results: RedisURL, _ setup: JobManagerConformance.Setup) throws {
        try self.init(
            setup,
            managing: CeleryConnections(broker, queue, results),
            working: CeleryConnections(broker, queue, results),
            queue: queue,
            isBroker: false
        )
    }
}

extension CeleryConnections {
    init(_ broker: AMQPURL, _ queue: String, _ results: RedisURL) throws {
        let options = RedisOptions.patient(results)
        let (client, subscriber) = (ReconnectingRedisClient(options), RedisPubSub(options))
        var rabbit = RabbitOptions.patient
        (rabbit.queue, rabbit.maximumPriority) = (queue, 10)
        let broker = try RabbitBroker(broker.patient, options: rabbit, logger: .quiet)
        self.init(broker, client, subscriber, options, [client, subscriber, broker])
    }
}

extension JobManagerConformance {
    /// All checks, or those whose name contains the value of the environment variable CHECK.
    static var selected: [Check] {
        let part = ProcessInfo.processInfo.environment["CHECK"]
        return checks.filter { check in part.map { check.testDescription.contains($0) } ?? true }
    }
}
