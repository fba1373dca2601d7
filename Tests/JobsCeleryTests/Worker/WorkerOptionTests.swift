import DashJSON
import Foundation
import Jobs
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite(
    "The options of a worker's program",
    .takesTurns,
    .serialized,
    .timeLimit(.minutes(10)),
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot)
)
struct WorkerOptionTests {
    @Test("--time-limit kills a task that does not respond, and the next one runs", arguments: StageBroker.available)
    func timeLimit(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1", "--time-limit", "2.5")
            defer { worker.kill() }
            #expect(try await stage.call("spin").exception?.repr == "TimeLimitExceeded(2.5)")
            #expect(try await stage.call("add", [1, 2]).result.description == "3")
        }
    }

    @Test("--soft-time-limit cancels a task, and its process runs the next one", arguments: StageBroker.available)
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

    @Test("--time-limit applies to Dash jobs, which time out")
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
        "F14: a worker that does not respond for less than its lease keeps its tasks",
        arguments: StageBroker.available
    )
    func busy(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        // Longer than RabbitMQ's heartbeat timeout, as the connection has its own thread. A worker that does not
        // respond for a whole lease is stuck: `WorkerLivenessTests`.
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
                try await log.wait(for: "A loop is blocked.")
                for file in [task, job] { file.open() }
                let second = try stage.start("-c", "2", "--lease", lease)
                defer { second.kill() }
                #expect(try await stage.end(of: taskID).status == .success)
                #expect(try await jobs.end(of: jobID).attempt == 1)
                let end = try #require(task.marks.last { $0.what == "end" })
                #expect(ContinuousSeconds.now - end.time > 2, "the loop was blocked when the task ended")
                #expect(task.count("start") == 1, "no other worker began it")
                #expect(job.count("start") == 1, "no other worker began it")
            }
        }
    }

    @Test("--pidfile is written, refused to a second worker, and removed; a dead process's file is taken over")
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
            #expect(content() == "\(killed.process.pid)\n", "a killed process does not remove it")
            let worker = try await stage.worker(arguments)
            #expect(content() == "\(worker.process.pid)\n")
            worker.process.signal(SIGTERM)
            #expect(await worker.exitCode() == 0)
            #expect(content() == nil)
            try "not a number".write(toFile: "\(folder)/w.pid", atomically: true, encoding: .utf8)
            #expect(await (try stage.start(arguments)).exitCode() != 0)
            #expect(content() == "not a number", "another file is left alone")
        }
    }

    @Test(
        "A worker with the name of another one logs it, one with a unique name does not",
        arguments: StageBroker.available
    )
    func namesakes(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let name = "w-\(UUID().uuidString.prefix(8))"
            let (log, otherLog) = (LogFile(), LogFile())
            let first = try await stage.worker("-c", "1", "--hostname", "\(name)@test")
            defer { first.kill() }
            // Only a prefix of this name is the same.
            let third = try stage.start(["-c", "1", "--hostname", "\(name)@test.example"], log: otherLog)
            defer { third.kill() }
            let second = try stage.start(["-c", "1", "--hostname", "\(name)@test"], log: log)
            defer { second.kill() }
            try await log.wait(for: "Another running worker is named “\(name)@test” too")
            first.process.signal(SIGTERM)
            second.process.signal(SIGTERM)
            #expect(await first.exitCode() == 0)
            #expect(await second.exitCode() == 0)
            // A worker that runs tasks has compared the names.
            #expect(try await stage.call("add", [1, 2]).status == .success)
            #expect(!otherLog.text.contains("Another running worker"))
        }
    }

    @Test("Prefixes apply to all of Celery's keys, and to no others", arguments: StageBroker.available)
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
