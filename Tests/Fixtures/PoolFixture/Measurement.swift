import Jobs
import Logging

/// `pool-fixture measure` prints the latency and throughput of a pool.
enum Measurement {
    static func run() async throws {
        var configuration = WorkerPoolConfiguration(buildID: "fixture")
        configuration.warm = 2
        configuration.workers = 2
        let pool = WorkerPool(configuration, logger: Logger(label: "pool") { _ in SwiftLogNoOpLogHandler() })
        let service = Task { try await pool.run() }
        await print("start → first two results", milliseconds { await bothBusy(pool) })
        await report("no-op round trip", (0..<5000).asyncMap { _ in await milliseconds { await noop(pool) } })
        await print("jobs/s, 16 callers", Int(20_000 / (milliseconds { await flood(pool) } / 1000)))
        await report("kill → next result", (0..<20).asyncMap { _ in await replacement(pool) })
        for job in ["fatal", "out-of-bounds", "overflow", "stack-overflow"] {
            await report("\(job) → report", (0..<5).asyncMap { _ in await crash(pool, job) })
        }
        service.cancel()
        try await service.value
        try await report("start of a pool of one → first result", (0..<20).asyncMap { _ in try await lifeOfOne() })
    }

    private static func noop(_ pool: WorkerPool) async {
        _ = await pool.execute(WorkerTask(id: "noop", name: "noop")) { _ in }
    }

    private static func bothBusy(_ pool: WorkerPool) async {
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    _ = await pool.execute(WorkerTask(id: "\(number)", name: "sleep", payload: Array("5".utf8))) { _ in
                    }
                }
            }
        }
    }

    private static func flood(_ pool: WorkerPool) async {
        await withTaskGroup(of: Void.self) { group in
            for caller in 0..<16 {
                group.addTask {
                    for _ in 0..<1250 { _ = await pool.execute(WorkerTask(id: "\(caller)", name: "noop")) { _ in } }
                }
            }
        }
    }

    /// The time from the kill of both idle workers to the first result of a new one.
    private static func replacement(_ pool: WorkerPool) async -> Double {
        while pool.statistics.workers < 2 { await Task.yield() }
        return await milliseconds {
            for pid in pool.statistics.pids { killProcess(pid) }
            await noop(pool)
        }
    }

    private static func crash(_ pool: WorkerPool, _ job: String) async -> Double {
        await noop(pool)
        return await milliseconds { _ = await pool.execute(WorkerTask(id: job, name: job)) { _ in } }
    }

    /// The time from the start of a pool of one worker to its first result.
    private static func lifeOfOne() async throws -> Double {
        var configuration = WorkerPoolConfiguration(buildID: "fixture")
        configuration.warm = 1
        let pool = WorkerPool(configuration, logger: Logger(label: "pool") { _ in SwiftLogNoOpLogHandler() })
        let service = Task { try await pool.run() }
        let time = await milliseconds { await noop(pool) }
        service.cancel()
        try await service.value
        return time
    }

    private static func report(_ what: String, _ times: [Double]) {
        let sorted = times.sorted()
        print(what, "p50", sorted[sorted.count / 2], "p99", sorted[sorted.count * 99 / 100], "ms")
    }

    private static func milliseconds(_ body: () async -> Void) async -> Double {
        let time = await ContinuousClock().measure { await body() }
        return (Double(time.components.attoseconds) / 1e12).rounded() / 1000 + Double(time.components.seconds) * 1000
    }
}

extension Sequence {
    /// Like `map`, with sequential calls.
    func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
