import DashJSON
import Foundation
import Jobs
import Testing

@testable import JobsCelery

@Suite(
    "The options of a worker's program",
    .takesTurns,
    .serialized,
    .timeLimit(.minutes(10)),
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot)
)
struct WorkerOptionTests {
    @Test("--time-limit kills a task that hears nothing, and the next one runs", arguments: StageBroker.available)
    func timeLimit(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1", "--time-limit", "2.5")
            defer { worker.kill() }
            #expect(try await stage.call("spin").exception?.repr == "TimeLimitExceeded(2.5)")
            #expect(try await stage.call("add", [1, 2]).result.description == "3")
        }
    }

    @Test("--soft-time-limit cancels a task, whose process goes on with the next", arguments: StageBroker.available)
    func softTimeLimit(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1", "--time-limit", "3600", "--soft-time-limit", "2.5")
            defer { worker.kill() }
            let process = try await stage.call("pid").result.description
            #expect(try await stage.call("tidy").exception?.type == "SoftTimeLimitExceeded")
            #expect(try await stage.call("pid").result.description == process)
        }
    }

    @Test("--time-limit holds for Dash jobs too: they are out of time")
    func timeLimitOfJobs() async throws {
        let stage = try await WorkerStage(.redis)
        let jobs = try FixtureJobs(stage.environment, queue: stage.queue)
        try await stage.run {
            try await whileRunning(jobs.manager) {
                let worker = try await stage.worker("-c", "1", "--time-limit", "0.5")
                defer { worker.kill() }
                let file = MarkFile()
                let end = try await jobs.end(of: try await jobs.start("mark", [.string(file.path), 3600]))
                #expect(end.state == .timedOut)
                #expect(file.count("end") == 0)
            }
        }
    }

    @Test(
        "F14: a worker that is too busy to answer, but for less than its lease, keeps its tasks",
        arguments: StageBroker.available
    )
    func busy(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        // Past RabbitMQ's patience for a connection that says nothing: that has a thread of its own. Who does not answer for a
        // whole lease is stuck, and not busy: `WorkerLivenessTests`.
        let stall = kind == .rabbit ? 16 : 4
        let lease = "\(stall + 6)"
        let jobs = try FixtureJobs(stage.environment, queue: stage.queue) { $0.lease = .seconds(stall + 6) }
        try await stage.run {
            try await whileRunning(jobs.manager) {
                let log = LogFile()
                let first = try stage.start(["-c", "2", "--lease", lease, "--stall", "\(stall)"], log: log)
                defer { first.kill() }
                let (task, job) = (MarkFile(), MarkFile())
                let taskID = try await stage.send("gate", [.string(task.path)])
                let jobID = try await jobs.start("gate", [.string(job.path)])
                try await task.wait(for: "start")
                try await job.wait(for: "start")
                first.process.signal(SIGUSR1)
                try await log.wait(for: "A loop stands still.")
                for file in [task, job] { file.open() }
                let second = try stage.start("-c", "2", "--lease", lease)
                defer { second.kill() }
                #expect(try await stage.end(of: taskID).status == .success)
                #expect(try await jobs.end(of: jobID).attempt == 1)
                let end = try #require(task.marks.last { $0.what == "end" })
                #expect(ContinuousSeconds.now - end.time > 2, "it stood still when the task ended")
                #expect(task.count("start") == 1, "nobody else began it")
                #expect(job.count("start") == 1, "nobody else began it")
            }
        }
    }

    @Test("--pidfile is written, kept from a second worker, and removed; what a dead process left is taken over")
    func pidFile() async throws {
        let stage = try await WorkerStage(.redis)
        let folder = FileManager.default.temporaryDirectory.appending(path: "pid-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func content() -> String? { try? String(contentsOfFile: "\(folder)/w.pid", encoding: .utf8) }
        let arguments = ["-c", "1", "--hostname", "w@test", "--pidfile", "\(folder)/%n.pid"]
        try await stage.run {
            let killed = try await stage.worker(arguments)
            #expect(content() == "\(killed.process.pid)\n")
            let refused = try stage.start(arguments)
            #expect(await refused.exitCode() != 0)
            #expect(content() == "\(killed.process.pid)\n")
            killed.kill()
            #expect(content() == "\(killed.process.pid)\n", "nobody could remove it")
            let worker = try await stage.worker(arguments)
            #expect(content() == "\(worker.process.pid)\n")
            worker.process.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
            #expect(content() == nil)
            try "not a number".write(toFile: "\(folder)/w.pid", atomically: true, encoding: .utf8)
            #expect(await (try stage.start(arguments)).exitCode() != 0)
            #expect(content() == "not a number", "what is no such file is left alone")
        }
    }

    @Test(
        "A worker that has the name of another one says so, one that has its own does not",
        arguments: StageBroker.available
    )
    func namesakes(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let name = "w-\(UUID().uuidString.prefix(8))"
            let (log, otherLog) = (LogFile(), LogFile())
            let first = try await stage.worker("-c", "1", "--hostname", "\(name)@test")
            defer { first.kill() }
            // The name of a third one only begins like it.
            let third = try stage.start(["-c", "1", "--hostname", "\(name)@test.example"], log: otherLog)
            defer { third.kill() }
            let second = try stage.start(["-c", "1", "--hostname", "\(name)@test"], log: log)
            defer { second.kill() }
            try await log.wait(for: "Another worker that runs has the name “\(name)@test” too")
            first.process.signal(SIGTERM)
            second.process.signal(SIGTERM)
            #expect(await first.exitCode() == 0)
            #expect(await second.exitCode() == 0)
            // It has looked by the time that it works.
            #expect(try await stage.call("add", [1, 2]).status == .success)
            #expect(!otherLog.text.contains("Another worker"))
        }
    }

    @Test("Prefixes stand before all of Celery's keys, and before nothing else", arguments: StageBroker.available)
    func prefixes(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        let jobs = try FixtureJobs(stage.environment, queue: stage.queue) {
            ($0.brokerKeyPrefix, $0.resultKeyPrefix) = ("broker.", "results")
            $0.keyPrefix = "site:"
        }
        try await stage.run {
            try await whileRunning(jobs.manager) {
                let prefixes = ["--broker-key-prefix", "broker.", "--result-key-prefix", "results"]
                let worker = try stage.start(["-c", "1", "--key-prefix", "site:"] + prefixes)
                defer { worker.kill() }
                let id = try await jobs.start("add", [1, 2])
                #expect(try await jobs.end(of: id).result?.description == "3")
                let answer = try await stage.redis.send(RedisCommand("KEYS", "*"))
                let keys = try #require(answer.elements).compactMap(\.text)
                #expect(keys.contains("results_celery-task-meta-\(id)"))
                let others = keys.filter { key in !["broker.", "results_", "site:"].contains { key.hasPrefix($0) } }
                #expect(others.isEmpty)
            }
        }
    }
}
