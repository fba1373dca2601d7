import Jobs
import JobsConformance
import Logging
import ServiceLifecycle

@testable import JobsCelery
@testable import RedisClient

/// Web servers and a worker on one Redis, with separate connections and real time.
struct TestSite: Sendable {
    let url: RedisURL
    let executor = TestExecutor()
    var settings = RecordSettings(isBroker: true)

    init(_ url: RedisURL) {
        self.url = url
        settings.patience = .seconds(20)
    }

    /// A web server's manager.
    func manager(_ configure: (inout CeleryJobManager.Parts) -> Void = { _ in }) -> CeleryJobManager {
        let broker = RedisBroker.patient(url)
        var parts = CeleryJobManager.Parts(
            records: JobRecords(redis: broker.client, settings: settings),
            broker: broker,
            subscriber: broker.subscriber,
            connections: [broker],
            tick: .milliseconds(50),
            logger: .quiet
        )
        configure(&parts)
        return CeleryJobManager(parts)
    }

    /// A worker whose tasks the test completes.
    func worker() throws -> WorkerServices {
        let broker = RedisBroker.patient(url)
        let queue = TestQueue(
            broker,
            broker.client,
            broker.subscriber,
            RedisOptions.patient(url),
            [broker]
        )
        return try SettledManager.worker(executor, queue, "dash", settings, UpdateLedger())
    }
}

extension JobManager {
    /// Waits until a job fulfills a condition or is finished.
    func update(of id: JobID, until isSo: (JobUpdate) -> Bool) async throws -> JobUpdate? {
        var known = -1
        while let news = try await nextUpdate(of: id, after: known) {
            if isSo(news) || news.state.isFinished { return news }
            known = news.sequence
        }
        return nil
    }
}
