import Jobs
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ShutdownTests {
    @Test("gracefully: running tasks may end, waiting and new ones are shut down")
    func graceful() async throws {
        var configuration = FixtureExecutable.configuration(warm: 1, workers: 1)
        configuration.shutdownGrace = .seconds(30)
        let file = temporaryPath()
        let pool = WorkerPool(configuration, logger: .silent)
        try await withService(pool) { group in
            let running = RunningTask(pool, "wait-for-file", file)
            _ = try await running.started()
            let waiting = RunningTask(pool, "noop")
            try await until("one task waits") { pool.statistics.waiting == 1 }
            await group.triggerGracefulShutdown()
            #expect(await waiting.outcome == .shutDown)
            #expect(await pool.outcome("noop") == .shutDown)
            makeFile(file)
            #expect(await running.outcome.text == "found")
        }
        #expect(pool.statistics == WorkerPoolStatistics())
        #expect(await pool.outcome("noop") == .shutDown)
    }

    @Test("gracefully: a task that exceeds the grace period is killed, with its processes")
    func graceEnds() async throws {
        let pool = WorkerPool(FixtureExecutable.configuration(), logger: .silent)
        try await withService(pool) { group in
            let running = RunningTask(pool, "grandchild")
            let worker = try await running.started()
            let program = try #require(Int32(try await running.progress()))
            await group.triggerGracefulShutdown()
            #expect(await running.outcome == .shutDown)
            #expect(!isAlive(worker))
            try await until("the grandchild is dead") { !isAlive(program) }
        }
    }

    @Test("cancelled: everything is killed at once")
    func hard() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.shutdownGrace = .seconds(600)
        let pool = WorkerPool(configuration, logger: .silent)
        let service = Task { try await pool.run() }
        let running = RunningTask(pool, "busy")
        let worker = try await running.started()
        service.cancel()
        try await service.value
        #expect(await running.outcome == .shutDown)
        #expect(!isAlive(worker))
    }

    @Test("cancelled before it runs: it returns, and tasks are shut down")
    func cancelledEarly() async throws {
        let pool = WorkerPool(FixtureExecutable.configuration(), logger: .silent)
        let early = RunningTask(pool, "noop")
        try await until("the task waits") { pool.statistics.waiting == 1 }
        let service = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await pool.run()
        }
        try await service.value
        #expect(await early.outcome == .shutDown)
    }

    @Test("F31: pools stopped in any state leave no process and no descriptor behind")
    func startStop() async throws {
        try await oneRound(0)  // Creates lazily initialized resources.
        let before = openDescriptors()
        for _ in 0..<10 {
            try await withThrowingTaskGroup { group in
                for number in 0..<5 { group.addTask { try await oneRound(number) } }
                try await group.waitForAll()
            }
        }
        try await until("all descriptors are closed") { openDescriptors() <= before }
    }

    /// Runs a pool as a service, which `body` shuts down gracefully, and waits for its end.
    private func withService(_ pool: WorkerPool, _ body: (ServiceGroup) async throws -> Void) async throws {
        let group = ServiceGroup(services: [pool], gracefulShutdownSignals: [], logger: .silent)
        let service = Task { try await group.run() }
        do { try await body(group) } catch {
            service.cancel()
            throw error
        }
        try await service.value
    }

    private func oneRound(_ number: Int) async throws {
        let pool = WorkerPool(FixtureExecutable.configuration(warm: 2), logger: .silent)
        let service = Task { try await pool.run() }
        let tasks = (0..<number).map { _ in RunningTask(pool, "busy") }
        if number > 2 { _ = try await tasks[0].started() }
        service.cancel()
        try await service.value
        for task in tasks { #expect(await task.outcome == .shutDown) }
        #expect(pool.statistics == WorkerPoolStatistics())
    }
}
