import Foundation
import Jobs
import JobsConformance
import JobsSQLite
import Logging
import ServiceLifecycle

/// Managers over SQLite with real worker processes of the fixture program.
enum FixtureWorkers {
    /// The fixture program, in a folder above this test program.
    static let path: String = {
        var folder = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        for start in [folder, URL(filePath: Bundle.main.bundlePath), URL(filePath: CommandLine.arguments[0])] {
            folder = start
            while folder.path != "/" {
                let file = folder.appending(path: "pool-fixture").path
                if FileManager.default.isExecutableFile(atPath: file) { return file }
                folder.deleteLastPathComponent()
            }
        }
        return "/pool-fixture-was-not-built"
    }()

    static func pool(workers: Int = 4) -> WorkerPool {
        var configuration = WorkerPoolConfiguration(executable: path, arguments: [path], buildID: "fixture")
        configuration.warm = min(2, workers)
        configuration.workers = workers
        configuration.cancelGrace = .milliseconds(300)
        configuration.shutdownGrace = .milliseconds(300)
        return WorkerPool(configuration, logger: quiet)
    }

    static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Runs a manager in a service group, and shuts it down gracefully after the body.
    static func withManager<Value: Sendable>(
        _ folder: TemporaryFolder,
        workers: Int = 4,
        _ body: (EmbeddedJobManager, WorkerPool) async throws -> Value
    ) async throws -> Value {
        let pool = pool(workers: workers)
        let manager = EmbeddedJobManager.sqlite(folder: folder.path, executor: pool, logger: quiet)
        let group = ServiceGroup(configuration: .init(services: [manager], logger: quiet))
        let service = Task { try await group.run() }
        let result: Result<Value, any Error>
        do { result = .success(try await body(manager, pool)) } catch { result = .failure(error) }
        await group.triggerGracefulShutdown()
        try await service.value
        return try result.get()
    }
}
