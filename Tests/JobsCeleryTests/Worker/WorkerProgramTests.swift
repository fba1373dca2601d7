import DashJSON
import Foundation
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(.takesTurns, .serialized, .timeLimit(.minutes(10)), .enabled(if: RedisServer.isAvailable, RedisServer.whyNot))
struct WorkerProgramTests {
    @Test("F2: a dead process fails its task at once, and the next task runs", arguments: StageBroker.available)
    func deadChild(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1")
            defer { worker.kill() }
            for (name, arguments) in [("kill", [9]), ("exit", [0]), ("exit", [1]), ("trap", [])] as [(String, [JSON])] {
                let meta = try await stage.call(name, arguments)
                #expect(meta.exception?.type == "WorkerLostError", "\(name) \(arguments)")
                #expect(try await stage.call("add", [1, 2]).result.description == "3")
            }
            let file = MarkFile()
            _ = try await stage.call("kill", [9, .string(file.path)])
            let late = ContinuousSeconds.now - (file.marks.first?.time ?? 0)
            print("\(kind): a killed process was reported after \(late) s")
            #expect(late < 5, "0.1 s on an idle machine")
        }
    }

    @Test("F26: SIGTERM completes running tasks and requeues the rest", arguments: StageBroker.available)
    func warm(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let first = try await stage.worker("-c", "1", "--prefetch-multiplier", "2")
            let (runs, waits) = (MarkFile(), MarkFile())
            let running = try await stage.send("gate", [.string(runs.path)])
            try await runs.wait(for: "start")
            let waiting = try await stage.send("mark", [.string(waits.path), 0])
            try await until { try await stage.broker.waiting(in: stage.queue) == 0 }
            first.process.signal(SIGTERM)
            try await until { try await stage.broker.waiting(in: stage.queue) == 1 }
            runs.open()
            #expect(await first.exitCode() == 0)
            #expect(try await stage.end(of: running).status == .success)
            #expect(runs.count("end") == 1)
            #expect(waits.marks.isEmpty)
            let second = try stage.start("-c", "1")
            #expect(try await stage.end(of: waiting).status == .success)
            second.process.signal(SIGINT)
            #expect(await second.exitCode() == 1)
        }
    }

    @Test("F26: SIGQUIT requeues running tasks and exits quickly", arguments: StageBroker.available)
    func cold(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let first = try await stage.worker("-c", "1")
            let file = MarkFile()
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            first.process.signal(SIGQUIT)
            #expect(await first.exitCode() == 0)
            #expect(file.count("end") == 0)
            file.open()
            let second = try stage.start("-c", "1")
            defer { second.kill() }
            #expect(try await stage.end(of: id).status == .success)
            #expect(file.count("start") == 2)
        }
    }

    @Test("F1: a killed worker loses no task; another one runs it soon", arguments: StageBroker.available)
    func killed(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let first = try await stage.worker("-c", "1")
            let file = MarkFile()
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            let second = try stage.start("-c", "1")
            defer { second.kill() }
            let death = ContinuousSeconds.now
            first.kill()
            try await file.wait(for: "start", count: 2)
            file.open()
            #expect(try await stage.end(of: id).status == .success)
            #expect(file.count("start") == 2)
            #expect(file.count("end") == 1)
            let time = (file.marks.filter { $0.what == "start" }.last?.time ?? 0) - death
            print("\(kind): a killed worker's task ran again after \(time) s")
            #expect(time < 10)
        }
    }

    @Test(
        "F5: a worker that stalls past its lease and RabbitMQ's heartbeats: two starts, one outcome",
        arguments: StageBroker.available
    )
    func stopped(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let first = try await stage.worker("-c", "1", "--lease", "2")
            let file = MarkFile()
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            first.process.signal(SIGSTOP)
            let second = try stage.start("-c", "1", "--lease", "2")
            defer { second.kill() }
            try await file.wait(for: "start", count: 2)
            file.open()
            let outcome = try await stage.end(of: id)
            #expect(outcome.status == .success)
            first.process.signal(SIGCONT)
            first.process.signal(SIGTERM)
            #expect(await first.exitCode() == 0)
            #expect(file.count("start") == 2)
            #expect(try await stage.results.read([id])[0] == outcome, "the second result is discarded")
            second.process.signal(SIGTERM)
            #expect(await second.exitCode() == 0)
            #expect(try await stage.left() == 0)
        }
    }

    @Test("F18: a task that always kills its worker is quarantined, and the others run")
    func poison() async throws {
        let stage = try await WorkerStage(.redis)
        try await stage.run {
            let file = MarkFile()
            var worker = try await stage.worker("-c", "1")
            let poison = try await stage.send("kill-worker", [.string(file.path)])
            let good = try await stage.send("add", [1, 2])
            for round in 1...3 {
                try await file.wait(for: "start", count: round)
                _ = await worker.exitCode()
                worker.kill()
                worker = try stage.start("-c", "1")
            }
            defer { worker.kill() }
            #expect(try await stage.end(of: good).result.description == "3")
            #expect(try await stage.end(of: poison).exception?.type == "WorkerLostError")
            #expect(file.count("start") == 3)
        }
    }

    @Test("F29: a slow task does not delay others", arguments: StageBroker.available)
    func prefetch(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let workers = [try await stage.worker("-c", "1"), try stage.start("-c", "1")]
            defer { for worker in workers { worker.kill() } }
            let file = MarkFile()
            let slow = try await stage.send("mark", [.string(file.path), 600])
            try await file.wait(for: "start")
            for number in 0..<10 {
                #expect(try await stage.call("add", [.int(number), 1]).result.description == "\(number + 1)")
            }
            _ = slow
        }
    }

    @Test(
        "F14: a task longer than RabbitMQ's consumer_timeout runs once, with its message in the vault",
        .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot)
    )
    func handOver() async throws {
        let rabbit = try await RabbitServer.start(
            settings: ["consumer_timeout = 10000"],
            advanced: "{channel_tick_interval, 500}"
        )
        let stage = try await WorkerStage(.rabbit, rabbit: rabbit)
        try await stage.run {
            let arguments = ["-c", "1", "--hand-over", "1", "--loglevel", "debug"]
            let workers = [try await stage.worker(arguments), try stage.start(arguments)]
            defer { for worker in workers { worker.kill() } }
            let (file, other) = (MarkFile(), MarkFile())
            let id = try await stage.send("gate", [.string(file.path)])
            try await file.wait(for: "start")
            try await until { try await held(stage) == 1 }
            // Another message times out meanwhile.
            try await withBroker(address: rabbit.address) { broker, queue in
                let consumer = try broker.makeConsumer(.sample, queues: [queue], prefetch: 1)
                try await whileRunning(consumer) {
                    try await broker.publish(sampleTask(queue))
                    _ = await consumer.take(1)
                    try await rabbit.logs("timed out")
                }
            }
            file.open()
            #expect(try await stage.end(of: id).status == .success)
            #expect(file.count("start") == 1)
            let lost = try await stage.send("gate", [.string(other.path)])
            try await other.wait(for: "start")
            try await until { try await held(stage) == 1 }
            let holder = other.marks.last?.process ?? 0
            let victim = workers.first { Self.parent(of: holder) == $0.process.pid }
            victim?.kill()
            try await other.wait(for: "start", count: 2)
            other.open()
            #expect(try await stage.end(of: lost).status == .success)
            #expect(other.count("start") == 2)
        }
    }

    @Test("F29: a task whose message was handed over does not delay others")
    func handedOver() async throws {
        guard StageBroker.available.contains(.rabbit) else { return }
        let stage = try await WorkerStage(.rabbit)
        try await stage.run {
            let arguments = ["-c", "1", "--hand-over", "0.2"]
            let workers = [try await stage.worker(arguments), try stage.start(arguments)]
            defer { for worker in workers { worker.kill() } }
            let file = MarkFile()
            let slow = try await stage.send("mark", [.string(file.path), 600])
            try await file.wait(for: "start")
            try await until { try await held(stage) == 1 }
            for number in 0..<10 {
                #expect(try await stage.call("add", [.int(number), 1]).result.description == "\(number + 1)")
            }
            #expect(try await stage.results.read([slow])[0]?.status.isReady != true)
        }
    }

    /// How many messages are in the vault.
    private func held(_ stage: WorkerStage) async throws -> Int? {
        try await stage.redis.send(RedisCommand("HLEN", "dash:held")).integer
    }

    private static func parent(of process: Int32) -> Int32? {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    @Test("limits of messages and replaced processes, with real processes")
    func limits() async throws {
        let stage = try await WorkerStage(.redis)
        try await stage.run {
            let worker = try await stage.worker("-c", "1", "--max-tasks-per-child", "3")
            defer { worker.kill() }
            let hard = try await stage.send("spin") { $0.hardTimeLimit = 0.5 }
            #expect(try await stage.end(of: hard).exception?.repr == "TimeLimitExceeded(0.5)")
            let soft = try await stage.send("tidy") { $0.softTimeLimit = 0.2 }
            #expect(try await stage.end(of: soft).exception?.type == "SoftTimeLimitExceeded")
            var processes: [String: Int] = [:]
            for _ in 0..<7 { processes[try await stage.call("pid").result.description, default: 0] += 1 }
            #expect(processes.values.max() == 3)
        }
    }

    @Test(
        "a begun task has the state STARTED with its process",
        arguments: StageBroker.available
    )
    func trackStarted(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1", "--track-started", "--hostname", "tracked@test")
            defer { worker.kill() }
            let file = MarkFile()
            let id = try await stage.send("mark", [.string(file.path), 600])
            for await meta in try await stage.watch(id) where meta.status == .started {
                let result = try JSON(parsing: meta.result.bytes)
                #expect(result["hostname"] == "tracked@test")
                try await file.wait(for: "start")
                #expect(result["pid"].intValue == file.marks.first.map { Int($0.process) })
                return
            }
            Issue.record("the task was never started")
        }
    }

    @Test("a worker whose Redis user may use no channels exits at its start")
    func noChannels() async throws {
        guard RedisServer.isAvailable else { return }
        let server = try await RedisServer.start(arguments: ["--user", "queue", "on", ">pw", "~*", "+@all"])
        let redis = "redis://queue:pw@127.0.0.1:\(server.port)"
        var places = [["REDIS_URL": redis]]
        if RabbitServer.isAvailable {
            let rabbit = try await RabbitServer.shared().address
            places.append(["CELERY_BROKER_URL": rabbit, "CELERY_RESULT_BACKEND": redis])
        }
        for place in places {
            let worker = try WorkerProgram(["--queues", "q-\(UUID().uuidString)", "--loglevel", "critical"], place)
            #expect(await worker.exitCode() == 1)
        }
    }

    @Test("F28: malformed and unknown messages do not end a worker", arguments: StageBroker.available)
    func rubbish(kind: StageBroker) async throws {
        let stage = try await WorkerStage(kind)
        try await stage.run {
            let worker = try await stage.worker("-c", "1")
            defer { worker.kill() }
            var raw = TaskMessage(task: "fixture.add", id: "bad").raw(queue: stage.queue)
            for (place, body) in ["[1]", "[[], null, {}]", "\u{1}", ""].enumerated() {
                raw.headers["id"] = .string("bad-\(place)")
                raw.body = Array(body.utf8)
                try await stage.broker.publish(raw)
                #expect(try await stage.end(of: "bad-\(place)").status == .failure)
            }
            raw.contentType = "application/x-python-serialize"
            raw.headers["id"] = "pickle"
            try await stage.broker.publish(raw)
            #expect(try await stage.end(of: "pickle").exception?.type == "ContentDisallowed")
            #expect(try await stage.call("unregistered").exception?.type == "NotRegistered")
            #expect(try await stage.call("add", ["x"]).exception?.type == "TypeError")
            #expect(try await stage.call("add", [1, 2]).result.description == "3")
        }
    }
}

/// Seconds of the system's monotonic clock, which the fixture's marks use too.
enum ContinuousSeconds {
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
