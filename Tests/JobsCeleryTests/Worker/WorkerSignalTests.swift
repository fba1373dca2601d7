import DashJSON
import Foundation
import Jobs
import Testing

@testable import JobsCelery

@Suite(
    "A worker's program and its signals",
    .takesTurns,
    .serialized,
    .timeLimit(.minutes(10)),
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot)
)
struct WorkerSignalTests {
    /// Signals that make a worker stop at once, and its exit code.
    static let coldSignals: [(signals: [Int32], code: Int32)] = [
        ([SIGINT, SIGINT], 1), ([SIGTERM, SIGQUIT], 0), ([SIGTERM, SIGINT], 1),
    ]

    @Test(
        "F26: a second Ctrl-C, and SIGQUIT during a warm stop, requeue running tasks and end the worker at once",
        arguments: StageBroker.available,
        coldSignals
    )
    func hastened(kind: StageBroker, _ row: (signals: [Int32], code: Int32)) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let (file, log) = (MarkFile(), LogFile())
            let first = try stage.start(["-c", "1"], log: log)
            // A warm stop would wait for it.
            let id = try await stage.send("mark", [.string(file.path), 3600])
            try await file.wait(for: "start")
            first.process.signal(row.signals[0])
            try await log.wait(for: "the worker stops when the running tasks have ended")
            first.process.signal(row.signals[1])
            #expect(await first.exitCode() == row.code)
            #expect(file.count("end") == 0)
            let second = try stage.start("-c", "1")
            defer { second.kill() }
            try await file.wait(for: "start", count: 2)
            #expect(try await stage.results.read([id])[0]?.status.isReady != true)
        }
    }

    @Test("F26: one Ctrl-C, and two SIGTERM, complete running tasks", arguments: [[SIGINT], [SIGTERM, SIGTERM]])
    func patient(signals: [Int32]) async throws {
        let stage = try await WorkerStage(.redis)
        try await stage.run {
            let (file, log) = (MarkFile(), LogFile())
            let worker = try stage.start(["-c", "1"], log: log)
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            for (signal, text) in zip(signals, ["the worker stops when", "the worker is already stopping"]) {
                worker.process.signal(signal)
                try await log.wait(for: text)
            }
            file.open()
            #expect(await worker.exitCode() == (signals == [SIGINT] ? 1 : 0))
            #expect(try await stage.end(of: id).status == .success)
            #expect(file.count("end") == 1)
        }
    }

    @Test(
        "F26: SIGQUIT requeues a running Dash job at once, which is not a failure, and it runs again",
        arguments: StageBroker.available
    )
    func coldJob(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        let jobs = try FixtureJobs(stage.environment, queue: stage.queue)
        try await stage.run {
            try await whileRunning(jobs.manager) {
                let first = try await stage.worker("-c", "1")
                let file = MarkFile()
                let id = try await jobs.start("gate", [.string(file.path)])
                try await file.wait(for: "start")
                first.process.signal(SIGQUIT)
                #expect(await first.exitCode() == 0)
                #expect(try await jobs.manager.update(of: id, after: 0)?.state == .queued)
                #expect(file.count("end") == 0)
                file.open()
                let second = try stage.start("-c", "1")
                defer { second.kill() }
                let end = try await jobs.end(of: id)
                #expect(end.state == .succeeded)
                #expect(end.attempt == 2)
                #expect(file.count("start") == 2)
                #expect(file.count("end") == 1)
            }
        }
    }
}
