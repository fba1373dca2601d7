import Jobs
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Runs the fixture as its own pool: starts the jobs named by the arguments concurrently and prints their updates,
/// including the workers' process ids.
enum FixturePool {
    static func run() async throws {
        var configuration = WorkerPoolConfiguration(buildID: "fixture")
        let names = Array(CommandLine.arguments.dropFirst())
        configuration.warm = max(1, names.count)
        let pool = WorkerPool(configuration, logger: Logger(label: "pool"))
        try await withThrowingTaskGroup { group in
            group.addTask { try await pool.run() }
            for name in names {
                group.addTask {
                    _ = await pool.execute(WorkerTask(id: name, name: name)) { say("\(name) \(text($0))") }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private static func text(_ update: WorkerUpdate) -> String {
        switch update {
        case .started(let worker): "started \(worker)"
        case .progress(let body): "progress \(String(decoding: body, as: UTF8.self))"
        case .setProps(let body): "setProps \(String(decoding: body, as: UTF8.self))"
        }
    }
}
