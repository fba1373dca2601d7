import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct CancelTests {
    @Test("a cooperative task ends, and its worker stays", arguments: ["sleep", "poll"])
    func cooperative(job: String) async throws {
        try await withPool { pool in
            let task = RunningTask(pool, job)
            let worker = try await task.started()
            pool.cancel(task.id)
            #expect(await task.outcome == .cancelled(killed: false))
            #expect(await pool.outcome("pid").text == "\(worker)")
        }
    }

    @Test("a task that completes despite the cancellation has its result")
    func doneAnyway() async throws {
        try await withPool { pool in
            let task = RunningTask(pool, "finish-anyway")
            _ = try await task.started()
            pool.cancel(task.id)
            #expect(await task.outcome.text == "finished")
        }
    }

    @Test(
        "F3: a task that ignores it is killed after the grace period, other tasks continue",
        arguments: ["busy", "busy-all", "busy-pool"]
    )
    func stubborn(job: String) async throws {
        try await withPool(FixtureExecutable.configuration(warm: 2)) { pool in
            let other = RunningTask(pool, "poll")
            let task = RunningTask(pool, job)
            let (otherWorker, worker) = (try await other.started(), try await task.started())
            let start = ContinuousClock.now
            pool.cancel(task.id)
            #expect(await task.outcome == .cancelled(killed: true))
            // Only the lower bound is checked: a busy machine may be late.
            #expect(start.duration(to: .now) >= .milliseconds(300))
            #expect(!isAlive(worker))
            #expect(isAlive(otherWorker))
            pool.cancel(other.id)
            #expect(await other.outcome == .cancelled(killed: false))
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test(
        "F3: a program started by the task is killed with it, in any process group",
        arguments: ["grandchild", "grandchild-group"]
    )
    func grandchild(job: String) async throws {
        try await withPool { pool in
            let task = RunningTask(pool, job)
            _ = try await task.started()
            let program = try #require(Int32(try await task.progress()))
            #expect(isAlive(program))
            pool.cancel(task.id)
            #expect(await task.outcome == .cancelled(killed: true))
            try await until("the grandchild \(program) is dead") { !isAlive(program) }
        }
    }

    @Test("a program left behind by a finished task ends with the worker")
    func leftGrandchild() async throws {
        var program: Int32 = 0
        try await withPool { pool in
            program = try #require(Int32(await pool.outcome("leave-grandchild").text ?? ""))
            #expect(isAlive(program))
        }
        try await until("the grandchild \(program) is dead") { !isAlive(program) }
    }

    @Test("a waiting task is cancelled at once and leaves the queue")
    func waitingTask() async throws {
        try await withPool(FixtureExecutable.configuration(warm: 1, workers: 1)) { pool in
            let running = RunningTask(pool, "sleep")
            _ = try await running.started()
            let waiting = RunningTask(pool, "noop"), last = RunningTask(pool, "echo", "last")
            try await until("two tasks wait") { pool.statistics.waiting == 2 }
            pool.cancel(waiting.id)
            #expect(await waiting.outcome == .cancelled(killed: false))
            pool.cancel(running.id)
            #expect(await last.outcome.text == "last")
        }
    }

    @Test("cancelling an unknown or finished task has no effect")
    func unknownTask() async throws {
        try await withPool { pool in
            pool.cancel("nothing")
            let task = RunningTask(pool, "noop")
            #expect(await task.outcome.text == "")
            pool.cancel(task.id)
            #expect(await pool.outcome("echo", "still").text == "still")
        }
    }
}
