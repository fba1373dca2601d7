import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct FamilyTests {
    @Test("F2: a program in its own group is killed when the job traps")
    func trapped() async throws {
        try await withPool { pool in
            let (task, program) = try await start("grandchild-group-and-trap", pool)
            #expect(await task.outcome.failure?.code == "signal")
            try await until("the program \(program) is dead") { !isAlive(program) }
        }
    }

    @Test("a program in its own session outlives the job")
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
