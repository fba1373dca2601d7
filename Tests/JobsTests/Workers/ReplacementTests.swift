import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)), .serialized)
struct ReplacementTests {
    /// An idle machine needs about 20 ms and the goal is 50 ms, but other tests run in parallel.
    @Test("a dead worker is replaced soon, whether it was idle or busy", arguments: ["", "poll"])
    func readyAgain(job: String) async throws {
        try await withPool { pool in
            var times: [Duration] = []
            for _ in 0..<5 {
                try await until("a worker is ready") { pool.statistics.workers == 1 }
                let pid = try #require(pool.statistics.pids.first)
                let task = job.isEmpty ? nil : RunningTask(pool, job)
                _ = try await task?.started()
                kill(pid: pid)
                try await until("\(pid) has ended") { !isAlive(pid) }
                let exit = ContinuousClock.now
                try await until("another is ready") { pool.statistics.workers == 1 && pool.statistics.pids != [pid] }
                times.append(exit.duration(to: .now))
                _ = await task?.outcome
            }
            print("ready after the exit of \(job.isEmpty ? "an idle" : "a busy") worker:", times.sorted())
            #expect(times.sorted()[2] < .seconds(10))
        }
    }
}
