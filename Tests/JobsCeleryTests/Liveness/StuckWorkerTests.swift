import DashJSON
import Foundation
import Jobs
import Testing

@testable import JobsCelery
@testable import RedisClient

/// Worker programs whose loop, or whose whole process, is blocked for longer than a lease.
@Suite(
    "A stuck worker",
    .takesTurns,
    .serialized,
    .timeLimit(.minutes(10)),
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot)
)
struct StuckWorkerTests {
    /// What is blocked.
    enum Standstill: String, CaseIterable, Sendable {
        case loop, process

        func begin(_ worker: WorkerProgram) { worker.process.signal(self == .loop ? SIGUSR1 : SIGSTOP) }
        func end(_ worker: WorkerProgram) { worker.process.signal(self == .loop ? SIGUSR2 : SIGCONT) }
    }

    /// Seconds from a moment to the second start of a task.
    private func delay(_ file: MarkFile, since moment: Double) async throws -> Double {
        try await file.wait(for: "start", count: 2)
        return file.marks.filter { $0.what == "start" }[1].time - moment
    }

    @Test(
        "A11: its jobs and tasks run elsewhere within ten seconds, and its later writes are refused",
        arguments: StageBroker.available,
        Standstill.allCases
    )
    func jobs(kind: StageBroker, what: Standstill) async throws {
        let stage = try await WorkerStage(kind)
        let jobs = try FixtureJobs(stage.environment, queue: stage.queue)
        try await stage.run {
            try await whileRunning(jobs.manager) {
                let log = LogFile()
                let first = try stage.start(["-c", "2", "--stall", "3600"], log: log)
                defer { first.kill() }
                let (task, job) = (MarkFile(), MarkFile())
                _ = try await stage.send("gate", [.string(task.path)])
                let id = try await jobs.start("gate", [.string(job.path)])
                try await task.wait(for: "start")
                try await job.wait(for: "start")
                what.begin(first)
                let moment = ContinuousSeconds.now
                // With another name, because RabbitMQ keeps the first one's control queue until its connection closes.
                let second = try stage.start("-c", "2", "--hostname", "second@test")
                defer { second.kill() }
                let delays = (try await delay(task, since: moment), try await delay(job, since: moment))
                print("\(kind): a task and a job of a worker whose \(what) was blocked ran again after \(delays) s")
                #expect(delays.0 < 10)
                #expect(delays.1 < 10)
                for file in [task, job] { file.open() }
                let end = try await jobs.end(of: id)
                #expect(end.state == .succeeded && end.attempt == 2)
                // Others may detect the end of the lease before the worker does.
                if what == .loop { try await log.wait(for: "does not respond") }
                what.end(first)
                // The loop reports the outcome of its tasks.
                if what == .loop { try await log.wait(for: "responds again") }
                first.process.signal(SIGTERM)
                #expect(await first.exitCode() == 0)
                let later = try await jobs.end(of: id)
                #expect((later.sequence, later.attempt) == (end.sequence, 2), "the later outcome changed nothing")
                #expect(later.result?.description == end.result?.description)
                #expect(job.count("start") == 2)
                second.process.signal(SIGTERM)
                #expect(await second.exitCode() == 0)
                #expect(try await stage.left() == 0)
            }
        }
    }

    @Test(
        "A11: its long tasks, whose messages are kept in Redis, run elsewhere within ten seconds",
        .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
        arguments: Standstill.allCases
    )
    func handedOver(what: Standstill) async throws {
        let stage = try await WorkerStage(.rabbit)
        try await stage.run {
            let log = LogFile()
            let first = try stage.start(["-c", "2", "--hand-over", "0.2", "--stall", "3600"], log: log)
            defer { first.kill() }
            let file = MarkFile()
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            try await until { try await stage.redis.send(RedisCommand("HLEN", "dash:held")) == .integer(1) }
            // The loop acknowledges the broker's own delivery after that.
            for _ in 0..<2 { _ = try await stage.call("noop") }
            // Fills the first worker, so that RabbitMQ cannot deliver the requeued message to it.
            let filler = MarkFile()
            _ = try await stage.send("mark", [.string(filler.path), 3600])
            try await filler.wait(for: "start")
            what.begin(first)
            let moment = ContinuousSeconds.now
            let second = try stage.start("-c", "2", "--hostname", "second@test")
            defer { second.kill() }
            let delay = try await delay(file, since: moment)
            print("A long task of a worker whose \(what) was blocked ran again after \(delay) s")
            #expect(delay < 10)
            file.open()
            let outcome = try await stage.end(of: id)
            #expect(outcome.status == .success)
            what.end(first)
            try await log.wait(for: "A settled message was no longer in this worker's vault")
            #expect(file.count("start") == 2)
        }
    }

    @Test("A worker has at most four connections to Redis", arguments: StageBroker.available)
    func connections(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let database = try await stage.redis.send(RedisCommand("CLIENT", "INFO")).text?.field("db")
            func names() async throws -> [String] {
                let clients = try await stage.redis.send(RedisCommand("CLIENT", "LIST")).text ?? ""
                let own = clients.split(separator: "\n").filter { $0.field("db") == database }
                return own.compactMap { $0.field("name") }
            }
            // The stage opens its own second connection with its first subscription.
            _ = try await stage.watch("nothing")
            let before = try await names()
            let worker = try await stage.worker("-c", "1")
            defer { worker.kill() }
            var added = try await names()
            for name in before { added.remove(at: try #require(added.firstIndex(of: name))) }
            #expect(added.count <= 4, "\(added.sorted())")
            #expect(added.filter { $0 == "dash-liveness" }.count == 1)
        }
    }
}

extension StringProtocol {
    /// A field of a line of CLIENT LIST.
    fileprivate func field(_ name: String) -> String? {
        let fields = split(whereSeparator: \.isWhitespace)
        return fields.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}
