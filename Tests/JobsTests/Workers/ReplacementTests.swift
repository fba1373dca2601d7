import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)), .serialized)
struct ReplacementTests {
    /// What a quiet machine needs is some 20 ms, and 50 ms is wanted; other tests run beside this one.
    @Test("a worker is ready soon after the dead one's exit, whether it was idle or at work", arguments: ["", "poll"])
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
