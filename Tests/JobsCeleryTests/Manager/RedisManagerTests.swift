import Jobs
import JobsConformance
import Logging
import ServiceLifecycle
import Testing

@testable import JobsCelery

@Suite("A manager over Redis", .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct RedisManagerTests {
    @Test("keeps what every manager promises", .timeLimit(.minutes(2)), arguments: JobManagerConformance.selected)
    func keeps(_ check: JobManagerConformance.Check) async throws {
        let url = try await RedisServer.shared().database()
        try await check.run(JobManagerConformance { try SettledManager(url, $0) })
    }
}

extension SettledManager {
    /// A manager and a worker over one Redis.
    init(_ url: RedisURL, _ setup: JobManagerConformance.Setup) throws {
        let forManager = RedisBroker(url, logger: .quiet)
        let forWorker = RedisBroker(url, logger: .quiet)
        let options = RedisOptions(url, logger: .quiet)
        try self.init(
            setup,
            managing: TestQueue(forManager, forManager.client, forManager.subscriber, options, [forManager]),
            working: TestQueue(forWorker, forWorker.client, forWorker.subscriber, options, [forWorker]),
            isBroker: true
        )
    }
}
