import ArgumentParser
import Jobs
import Logging
import Testing

@testable import Dash

@Suite("The worker command")
struct WorkerCommandTests {
    private func options(_ arguments: [String]) throws -> JobWorkerOptions {
        try #require(SiteCommand.command(for: ["worker"] + arguments) as? WorkerCommand).options
    }

    @Test("Without options the queue's defaults apply")
    func defaults() throws {
        #expect(try options([]) == JobWorkerOptions())
    }

    @Test(
        "Celery's options, long and short",
        arguments: [
            [
                "--concurrency", "3", "--queues", "a,b", "--hostname", "w1@%h", "--events", "--track-started",
                "--max-tasks-per-child", "10",
                "--time-limit", "60", "--soft-time-limit", "50.5", "--prefetch-multiplier", "4",
            ],
            [
                "-c", "3", "-Q", "a, b", "-n", "w1@%h", "-E", "--track-started", "--max-tasks-per-child=10",
                "--time-limit=60", "--soft-time-limit=50.5", "--prefetch-multiplier=4",
            ],
        ]
    )
    func all(arguments: [String]) throws {
        let options = try options(arguments)
        #expect(options.concurrency == 3)
        #expect(options.queues == ["a", "b"])
        #expect(options.hostname == "w1@%h")
        #expect(options.sendsEvents)
        #expect(options.tracksStarted)
        #expect(options.maxTasksPerChild == 10)
        #expect(options.timeLimit == .seconds(60))
        #expect(options.softTimeLimit == .milliseconds(50_500))
        #expect(options.prefetchMultiplier == 4)
    }

    @Test(
        "Python's log levels, in any case",
        arguments: [("INFO", Logger.Level.info), ("warning", .warning), ("FATAL", .critical), ("DEBUG", .debug)]
    )
    func levels(name: String, level: Logger.Level) throws {
        #expect(try WorkerCommand.parse(["--loglevel", name]).logLevel == level)
        #expect(try WorkerCommand.parse(["-l", name]).logLevel == level)
    }

    @Test(
        "Invalid arguments are errors",
        arguments: [
            ["-c", "0"], ["--max-tasks-per-child", "0"], ["--time-limit", "-1"], ["--time-limit", "nan"],
            ["--time-limit", "5", "--soft-time-limit", "5"], ["--prefetch-multiplier", "0"], ["-Q", " ,"], ["-n", ""],
            ["--pidfile", ""],
            ["--loglevel", "loud"], ["--port", "1"],
        ]
    )
    func refusals(arguments: [String]) {
        #expect(throws: (any Error).self) { try WorkerCommand.parse(arguments) }
    }

    @Test("The options of Celery's unit files are accepted, with a notice about one without effect")
    func unitFiles() throws {
        let command = try WorkerCommand.parse([
            "--pidfile=/run/dash/%n.pid", "--without-gossip", "--without-mingle", "--without-heartbeat",
        ])
        #expect(command.options.pidFile == "/run/dash/%n.pid")
        #expect(!command.options.sendsHeartbeats)
        #expect(!command.options.mingles)
        #expect(command.note?.hasPrefix("--without-gossip has no effect") == true)
        let plain = try WorkerCommand.parse(["--without-heartbeat"])
        #expect(plain.note == nil && plain.options.mingles)
    }

    @Test("Help on the program mentions the command")
    func help() {
        #expect(ServeCommand.helpMessage().contains("`worker`"))
        #expect(SiteCommand.helpMessage(for: WorkerCommand.self).contains("--soft-time-limit"))
    }
}
