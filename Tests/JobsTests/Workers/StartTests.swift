import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)))
struct StartTests {
    @Test(
        "processes that end before they are ready fail the waiting tasks, with their last output",
        arguments: ["trap", "exit"]
    )
    func endsBeforeReady(how: String) async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.environment["POOL_FIXTURE_START"] = how
        try await withPool(configuration) { pool in
            let failure = try #require(await pool.outcome("noop").failure)
            #expect(failure.kind == .startup)
            #expect(failure.message.contains(how == "trap" ? "before serve" : "exit code 7"))
        }
    }

    @Test("a program that does not exist fails the waiting tasks")
    func noProgram() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.executable = "/no/such/program"
        try await withPool(configuration) { pool in
            let failure = try #require(await pool.outcome("noop").failure)
            #expect(failure.kind == .startup && failure.message.contains("/no/such/program"))
        }
    }

    @Test("a process that is not ready in time fails")
    func hangs() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.environment["POOL_FIXTURE_START"] = "hang"
        configuration.startTimeout = .milliseconds(20)
        try await withPool(configuration) { pool in
            #expect(await pool.outcome("noop").failure?.kind == .startup)
        }
    }

    @Test("a worker of another build is rejected")
    func otherBuild() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.buildID = "another"
        try await withPool(configuration) { pool in
            let failure = try #require(await pool.outcome("noop").failure)
            #expect(failure.kind == .incompatible && failure.message.contains("another build"))
        }
    }

    @Test("this process is not a worker and has a build id")
    func ownBuild() {
        #expect(!WorkerProcess.isWorker)
        #expect(BuildID.current.count >= 16)
    }
}
