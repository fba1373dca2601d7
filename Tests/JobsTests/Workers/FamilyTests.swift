import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FamilyTests {
    @Test("F2: a program in a group of its own dies when the job traps")
    func trapped() async throws {
        try await withPool { pool in
            let (task, program) = try await start("grandchild-group-and-trap", pool)
            #expect(await task.outcome.failure?.code == "signal")
            try await until("the program \(program) is dead") { !isAlive(program) }
        }
    }

    @Test("a program in a session of its own lives on: that is how a job starts what shall outlive it")
    func ownSession() async throws {
        try await withPool { pool in
            let (task, program) = try await start("grandchild-session", pool)
            defer { kill(pid: program) }
            pool.cancel(task.id)
            #expect(await task.outcome == .cancelled(killed: true))
            #expect(isAlive(program))
        }
    }

    private func start(_ job: String, _ pool: WorkerPool) async throws -> (RunningTask, Int32) {
        let task = RunningTask(pool, job)
        _ = try await task.started()
        return (task, try #require(Int32(try await task.progress())))
    }
}
