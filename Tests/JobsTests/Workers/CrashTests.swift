import Jobs
import Testing

@Suite(.timeLimit(.minutes(2)), .serialized)
struct CrashTests {
    struct Trap: Sendable, CustomTestStringConvertible {
        var job: String
        var signal: String
        var function: String
        var reason: String
        var testDescription: String { job }
    }

    static let traps = [
        Trap(job: "fatal", signal: "SIGILL", function: "closure", reason: "boom: the user's own message"),
        Trap(job: "out-of-bounds", signal: "SIGILL", function: "element(_:)", reason: "ndex out of range"),
        Trap(job: "overflow", signal: "SIGILL", function: "sum(_:_:)", reason: "arithmetic overflow"),
        Trap(job: "unwrap", signal: "SIGILL", function: "unwrapped(_:)", reason: " nil"),
        Trap(job: "stack-overflow", signal: "SIGSEGV", function: "recurse(_:)", reason: "stack overflow"),
    ]

    @Test("F2: a trap is reported with signal, function, place and backtrace", arguments: traps)
    func trap(_ trap: Trap) async throws {
        try await withPool(FixtureExecutable.configuration(warm: 2)) { pool in
            let other = RunningTask(pool, "poll")
            _ = try await other.started()
            let failure = try #require(await pool.outcome(trap.job).failure)
            #expect(failure.kind == .crash && failure.code == "signal")
            for part in [trap.signal, trap.function, "CrashingJobs.swift:", trap.reason] {
                #expect(failure.message.contains(part), "\(failure.message)")
            }
            #expect(failure.trace?.contains("Thread") == true)
            #expect(await pool.outcome("noop").text == "", "the pool is refilled")
            pool.cancel(other.id)
            #expect(await other.outcome == .cancelled(killed: false), "other tasks continue")
        }
    }

    @Test("F2: an exit, an abort and a signal are distinguished")
    func otherEnds() async throws {
        try await withPool { pool in
            for code in ["0", "3"] {
                let failure = try #require(await pool.outcome("exit", code).failure)
                #expect(failure.code == "exit" && failure.message.contains("exit code \(code)"))
            }
            #expect(await pool.outcome("abort").failure?.message.contains("SIGABRT") == true)
            let killed = try #require(await pool.outcome("kill-itself", "9").failure)
            #expect(killed.code == "signal" && killed.message.contains("SIGKILL"))
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test("F2: exceeding the memory limit is reported")
    func memoryLimit() async throws {
        try await withPool { pool in
            let failure = try #require(await pool.outcome("out-of-memory").failure)
            #expect(failure.kind == .crash)
            #expect(failure.message.contains("failed to allocate") || failure.message.contains("SIG"))
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test("the report of a trap is complete after more output than a pipe holds")
    func muchOutput() async throws {
        try await withPool { pool in
            let failure = try #require(await pool.outcome("print-much-and-trap").failure)
            #expect(failure.message.contains("after much output"))
            #expect(failure.trace?.contains("TalkingJobs.swift:") == true)
        }
    }

    @Test("without the runtime's crash reporter the message contains a remedy")
    func noBacktrace() async throws {
        var configuration = FixtureExecutable.configuration()
        configuration.environment["SWIFT_BACKTRACE"] = "enable=no"
        try await withPool(configuration) { pool in
            let failure = try #require(await pool.outcome("overflow").failure)
            #expect(failure.message.contains("SIGILL") && failure.message.contains("swift-backtrace"))
        }
    }

    @Test("a task that closes the channel is ended, and the next task runs")
    func closedChannel() async throws {
        try await withPool { pool in
            let failure = try #require(await pool.outcome("close-channel").failure)
            #expect(failure.kind == .crash)
            #expect(await pool.outcome("noop").text == "")
        }
    }

    @Test("F2: a killed idle worker is replaced without affecting tasks")
    func killedIdle() async throws {
        try await withPool { pool in
            let first = try #require(Int32(await pool.outcome("pid").text ?? ""))
            for _ in 0..<5 {
                kill(pid: pool.statistics.pids.first ?? 0)
                #expect(await pool.outcome("noop").text == "")
            }
            #expect(!pool.statistics.pids.contains(first))
        }
    }
}
