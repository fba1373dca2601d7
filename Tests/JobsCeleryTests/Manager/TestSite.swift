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
    func manager(_ configure: (inout JobBackendSetup) -> Void = { _ in }) -> CeleryJobManager {
        var setup = JobBackendSetup(logger: .quiet)
        configure(&setup)
        let records = JobRecords(connections: .patient(url), settings: settings)
        return CeleryJobManager(records, setup, tick: .milliseconds(50))
    }

    /// A worker whose tasks the test completes.
    func worker() throws -> WorkerServices {
        try SettledManager.worker(executor, .patient(url), "dash", settings, UpdateLedger())
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
