import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct SizeTests {
    @Test("more workers start while tasks wait, up to the maximum, and end when idle")
    func elastic() async throws {
        var configuration = FixtureExecutable.configuration(warm: 1, workers: 3)
        configuration.idleTimeout = .milliseconds(50)
        try await withPool(configuration) { pool in
            let tasks = (0..<5).map { _ in RunningTask(pool, "poll") }
            try await until("three run and two wait") {
                pool.statistics.busy == 3 && pool.statistics.waiting == 2 && pool.statistics.workers == 3
            }
            for task in tasks { pool.cancel(task.id) }
            for task in tasks { #expect(await task.outcome == .cancelled(killed: false)) }
            try await until("one worker is left") { pool.statistics.pids.count == 1 }
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test("many short tasks do not start more than the warm workers")
    func noGrowthForShortTasks() async throws {
        var configuration = FixtureExecutable.configuration(warm: 1, workers: 8)
        configuration.growDelay = .seconds(2)
        try await withPool(configuration) { pool in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<500 { group.addTask { _ = await pool.outcome("noop") } }
            }
            #expect(pool.statistics.pids.count == 1)
        }
    }

    @Test("without warm workers the first task starts one")
    func noWarmWorkers() async throws {
        try await withPool(FixtureExecutable.configuration(warm: 0)) { pool in
            #expect(pool.statistics.pids.isEmpty)
            #expect(await pool.outcome("echo", "x").text == "x")
        }
    }
}
