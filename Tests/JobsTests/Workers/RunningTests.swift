import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct RunningTests {
    @Test("a task's updates arrive in order, before its result")
    func results() async throws {
        try await withPool { pool in
            #expect(await pool.outcome("echo", "hello").text == "hello")
            let task = RunningTask(pool, "progress", "1000")
            var updates: [WorkerUpdate] = []
            for await update in task.updates { updates.append(update) }
            #expect(await task.outcome.text == "done")
            #expect(updates.first == .started(worker: pool.statistics.pids[0]))
            #expect(updates.last == .progress(Array("1000".utf8)))
            let numbers = updates.dropFirst().compactMap(\.number)
            #expect(numbers == numbers.sorted())
            #expect(numbers.count < 900, "a tight loop does not send each progress")
        }
    }

    @Test("a large payload and result are unchanged")
    func largeBodies() async throws {
        try await withPool { pool in
            let text = String(repeating: "0123456789abcdef", count: 1 << 19)
            #expect(await pool.outcome("echo", text).text == text)
        }
    }

    @Test("a thrown error fails its task, and the worker continues")
    func thrownErrors() async throws {
        try await withPool { pool in
            let failure = try #require(await pool.outcome("throw", "no luck").failure)
            let pids = pool.statistics.pids
            #expect(failure.kind == .error)
            #expect(failure.code.hasSuffix("OrdinaryError"))
            #expect(failure.message == "ordinary: no luck")
            let chosen = try #require(await pool.outcome("throw-failure").failure)
            #expect(chosen.code == "chosen" && chosen.trace == "a trace" && chosen.kind == .error)
            #expect(await pool.outcome("throw-cancellation").failure?.kind == .error, "it was not cancelled")
            #expect(pool.statistics.pids == pids)
        }
    }

    @Test("tasks may use the main actor and parallel child tasks")
    func actorsAndGroups() async throws {
        try await withPool { pool in
            #expect(await pool.outcome("main-actor").text == "main")
            #expect(await pool.outcome("parallel").text == "5050")
        }
    }

    @Test("workers get the environment of the configuration, without the marker")
    func environment() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.environment = ["LAUNCH_ID": "abc"]
        try await withPool(configuration) { pool in
            #expect(await pool.outcome("environment", "LAUNCH_ID").text == "abc")
            #expect(await pool.outcome("environment", "DASH_SPAWN_ROLE").text == "-")
        }
    }

    @Test("a second task with the id of a running one is rejected")
    func doubleTasks() async throws {
        try await withPool { pool in
            let first = RunningTask(pool, "sleep", id: "one")
            _ = try await first.started()
            #expect(await RunningTask(pool, "noop", id: "one").outcome.failure?.code == "double-task")
            pool.cancel("one")
            #expect(await first.outcome == .cancelled(killed: false))
        }
    }

    @Test("concurrent callers each get their own result")
    func manyCallers() async throws {
        try await withPool(FixtureExecutable.configuration(warm: 2)) { pool in
            await withTaskGroup(of: Void.self) { group in
                for caller in 0..<16 {
                    group.addTask {
                        for number in 0..<100 {
                            let text = "\(caller)/\(number)"
                            #expect(await pool.outcome("echo", text).text == text)
                        }
                    }
                }
            }
        }
    }
}

extension WorkerUpdate {
    var number: Int? {
        guard case .progress(let body) = self else { return nil }
        return Int(String(decoding: body, as: UTF8.self))
    }
}
