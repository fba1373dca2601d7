import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ResizeTests {
    @Test("a pool is resized while tasks run")
    func resizes() async throws {
        try await withPool(FixtureExecutable.configuration(warm: 1, workers: 1)) { pool in
            let tasks = (0..<3).map { _ in RunningTask(pool, "poll") }
            try await until("one runs") { pool.statistics.busy == 1 }
            pool.resize(3)
            try await until("three run") { pool.statistics.busy == 3 }
            #expect(pool.maximumConcurrency == 3)
            pool.resize(1)
            for task in tasks { pool.cancel(task.id) }
            for task in tasks { #expect(await task.outcome == .cancelled(killed: false)) }
            try await until("one is left") { pool.statistics.pids.count == 1 }
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test("a process runs at most its number of tasks")
    func maxTasksPerChild() async throws {
        var configuration = FixtureExecutable.configuration(warm: 1, workers: 1)
        configuration.maxTasksPerChild = 3
        try await withPool(configuration) { pool in
            var counts: [String: Int] = [:]
            for _ in 0..<9 { counts[await pool.outcome("pid").text ?? "none", default: 0] += 1 }
            #expect(counts.values.sorted() == [3, 3, 3])
        }
    }

    @Test("an unresponsive task is killed at once")
    func kills() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.cancelGrace = .seconds(100)
        try await withPool(configuration) { pool in
            let task = RunningTask(pool, "busy")
            let process = try await task.started()
            let time = await ContinuousClock().measure {
                pool.kill(task.id)
                #expect(await task.outcome == .cancelled(killed: true))
            }
            #expect(time < .seconds(50), "far below the grace period of a cancellation")
            #expect(!isAlive(process))
        }
    }
}
