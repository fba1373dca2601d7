import Jobs
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Run by hand or by a test, the fixture has a pool itself, of its own executable: it runs the jobs named by its
/// arguments at once, each until all have started, and prints the process ids.
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
