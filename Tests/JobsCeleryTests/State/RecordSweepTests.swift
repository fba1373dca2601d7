import DashJSON
import Jobs
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Sweeps of the records",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RecordSweepTests {
    /// Sweeps until a condition is met.
    private func sweep(_ bench: RecordBench, until isSo: () async throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(120)
        while ContinuousClock.now < deadline {
            _ = try await bench.sweeper.sweep(asked: [])
            if try await isSo() { return true }
            // Redis' clock decides, and sends no notification.
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func state(_ id: JobID, _ bench: RecordBench) async throws -> JobState? {
        try await bench.records.update(of: id, after: 0)?.state
    }

    private func field(_ name: String, of id: JobID, _ bench: RecordBench) async throws -> String? {
        try await bench.broker.client.send(RedisCommand("HGET", "dash:job:\(id)", name)).text
    }

    @Test("each of more than a thousand running jobs is checked: the last one, whose worker is dead, is sent again")
    func manyRunning() async throws {
        try await RecordBench.run({ $0.options.lease = .seconds(600) }) { bench in
            let (living, life) = try await bench.worker("living")
            let (gone, _) = try await bench.worker("gone", lives: false)
            try await run(1049, living, bench)
            let last = try await run(1, gone, bench)
            #expect(try await sweep(bench) { try await state(last, bench) == .queued })
            #expect(try await bench.counts()["dash:running"] == 1049)
            withExtendedLifetime(life) {}
        }
    }

    @Test("a sweep checks a worker once, however many jobs it runs, and not again within a second")
    func askedOnce() async throws {
        let server = try await RedisServer.start()
        var options = RedisBrokerOptions.patient
        // The broker's own checks of workers would be counted, too.
        options.sweep = .seconds(3600)
        let url = try RedisURL(server.address)
        try await RecordBench.run({ $0.options.lease = .seconds(600) }, at: url, options: options) { bench in
            let (worker, life) = try await bench.worker("w")
            try await run(50, worker, bench)
            _ = try await bench.broker.client.send(RedisCommand("CONFIG", "RESETSTAT"))
            _ = try await bench.sweeper.sweep(asked: [])
            #expect(try await bench.broker.client.calls(of: "pubsub") == 1)
            #expect(try await bench.broker.client.calls(of: "hmget") == 50)
            let start = ContinuousClock.now
            for _ in 0..<3 { _ = try await bench.sweeper.sweep(asked: []) }
            let seconds = Int((ContinuousClock.now - start) / .seconds(1))
            #expect(try await bench.broker.client.calls(of: "hmget") <= 50 * (2 + seconds), "once a second")
            withExtendedLifetime(life) {}
        }
    }

    /// Begins jobs; returns the last.
    @discardableResult
    private func run(_ count: Int, _ worker: WorkerIdentity, _ bench: RecordBench) async throws -> JobID {
        var last = JobID.new
        for number in 0..<count {
            let request = JobRequest(name: "a", owner: "\(number % 7)")
            try await bench.start(request)
            let delivery = JobsCelery.Delivery(tag: request.id.text, queue: "dash", task: BrokerMessage())
            _ = try await bench.begin(request.id, delivery, worker)
            last = request.id
        }
        return last
    }

    @Test(
        "a message that a worker holds is not sent again, however long it waits; a lost one is, with backoff"
    )
    func held() async throws {
        try await RecordBench.run({ $0.doubt = .milliseconds(100) }) { bench in
            let (worker, life) = try await bench.worker("w")
            let (kept, lost) = (JobRequest(name: "kept"), JobRequest(name: "lost"))
            try await bench.start(kept)
            _ = try await bench.take(worker)
            try await bench.start(lost)
            _ = try await bench.broker.client.send(RedisCommand("DEL", "dash"))
            for round in 1...2 {
                #expect(try await sweep(bench) { try await bench.counts()["dash"] != nil })
                #expect(try await bench.counts()["dash"] == 1)
                #expect(try await field("resent", of: lost.id, bench) == "\(round)")
                _ = try await bench.broker.client.send(RedisCommand("DEL", "dash"))
            }
            #expect(try await field("resent", of: kept.id, bench) == nil)
            withExtendedLifetime(life) {}
        }
    }

    @Test("F23: a job that takes over from a crashed one is sent after the others follow it")
    func takingOver() async throws {
        try await RecordBench.run({ $0.isBroker = false }) { bench in
            let cache = CacheStore(key: CacheKey("k"))
            let requests = (0..<4).map { JobRequest(name: "\($0)", cache: cache) }
            let remaining = AsyncStream<Int>.makeStream()
            var connections = bench.records.connections
            connections.broker = FakeBroker {
                let list = RedisCommand("LLEN", "dash:landing:\(requests[0].id)")
                remaining.continuation.yield(try await bench.broker.client.send(list).integer ?? 0)
            }
            let records = JobRecords(connections: connections, settings: bench.records.settings)
            let recording = RecordedJobs(records, JobBackendSetup(logger: .quiet))
            for request in requests { try await bench.start(request) }
            let (worker, life) = try await bench.worker("w")
            let delivery = JobsCelery.Delivery(tag: "1", queue: "dash", task: BrokerMessage(), isRedelivered: false)
            let attempt = try await recording.begin(requests[0].id, delivery: delivery, worker: worker)
            let crash = WorkerOutcome.failed(JobFailure(kind: .crash, code: "signal", message: "SIGILL"))
            let ended = try await recording.complete(try #require(attempt), outcome: crash, delivery: delivery)
            #expect(ended == .finished(.failed))
            remaining.continuation.finish()
            #expect(
                await remaining.stream.reduce(into: []) { $0.append($1) } == [0],
                "one message, and none left to move"
            )
            for request in requests[2...] {
                #expect(try await records.facts(of: [request.id])[0]?.job.isFollowing == true)
            }
            withExtendedLifetime(life) {}
        }
    }

    @Test("if a process dies after a completion, the next sweep completes the followers")
    func landing() async throws {
        try await RecordBench.run { bench in
            let cache = CacheStore(key: CacheKey("k"))
            let requests = (0..<150).map { JobRequest(name: "\($0)", cache: cache) }
            for request in requests { try await bench.start(request) }
            #expect(try await bench.counts()["dash"] == 1, "one message for all")
            let (worker, life) = try await bench.worker("w")
            _ = try await bench.begin(requests[0].id, try await bench.take(worker), worker)
            let facts = try #require(try await bench.records.facts(of: [requests[0].id])[0])
            let transition = try #require(bench.records.rules.complete(facts.job, .succeeded(.text("7"))))
            guard case .applied(let answer, _) = try await bench.records.commit(RecordCommit(transition, of: facts))
            else {
                Issue.record("the completion was refused")
                return
            }
            #expect(answer?.text == "landing")
            #expect(try await state(requests[1].id, bench) == .queued)
            #expect(try await sweep(bench) { try await bench.counts()["dash:finished"] == 150 })
            for request in requests {
                #expect(try await bench.records.update(of: request.id, after: 0)?.result?.description == "7")
            }
            #expect(try await bench.counts()["dash:owners"] == nil)
            withExtendedLifetime(life) {}
        }
    }

    @Test("a dead worker is removed, whether its broker removed the lease or it expired long ago")
    func forgotten() async throws {
        try await RecordBench.run { bench in
            let client = bench.broker.client
            _ = try await client.send(RedisCommand("HSET", "dash:capacity", "removed", 4, "over", 4))
            _ = try await client.send(RedisCommand("ZADD", "dash:workers", 1000, "over"))
            #expect(try await bench.sweeper.sweep(asked: []).workers == 0)
            #expect(try await client.send(RedisCommand("EXISTS", "dash:capacity", "dash:workers")) == .integer(0))
        }
    }

    @Test("a job whose worker is back when its interruption is applied continues, without retries")
    func workerIsBack() async throws {
        let faults = Faults { _ in .none }
        try await RecordBench.run({ $0.options.lease = .seconds(600) }, redis: { FaultyRedis($0.client, faults) }) {
            bench in
            let (worker, life) = try await bench.worker("w")
            let id = try await run(1, worker, bench)
            let before = faults.count
            let rules = bench.records.rules
            let applied = try await bench.records.apply(to: id) { facts in
                rules.interrupt(facts.job, by: .worker(facts.holder)).map { RecordCommit($0, of: facts) }
            }
            #expect(applied == nil)
            #expect(faults.count <= before + 3, "a read, a commit, and a repetition for an unknown script")
            #expect(try await state(id, bench) == .running)
            withExtendedLifetime(life) {}
        }
    }

    @Test("after a leader crashed, its first follower runs and the others follow that")
    func takeOver() async throws {
        try await RecordBench.run { bench in
            let cache = CacheStore(key: CacheKey("k"))
            let requests = (0..<4).map { JobRequest(name: "\($0)", cache: cache) }
            for request in requests { try await bench.start(request) }
            let (worker, life) = try await bench.worker("w")
            for (place, request) in requests.enumerated() {
                let delivery = try await bench.take(worker)
                let attempt = try await bench.begin(request.id, delivery, worker)
                let crash = WorkerFailure(kind: .crash, code: "signal", message: "It crashed.")
                let ending = try await bench.recording.complete(attempt, outcome: .failed(crash), delivery: delivery)
                #expect(ending == .finished(.failed))
                #expect(try await bench.counts()["dash"] == (place == 3 ? nil : 1))
            }
            #expect(try await bench.counts() == ["dash:finished": 4])
            withExtendedLifetime(life) {}
        }
    }
}
