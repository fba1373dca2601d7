import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Records of jobs",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RecordTests {
    @Test("a start sends the message, and a completion acknowledges it and stores Celery's result, in one step each")
    func life() async throws {
        try await RecordBench.run { bench in
            let request = JobRequest(name: "a", owner: "ann", details: [49, 50])
            #expect(try await bench.start(request))
            #expect(try await !bench.start(request))
            #expect(try await bench.counts() == ["dash": 1, "dash:queued": 1, "dash:owners": 1])
            let (worker, life) = try await bench.worker("w")
            let delivery = try await bench.take(worker)
            let attempt = try await bench.begin(request.id, delivery, worker)
            let outcome = WorkerOutcome.succeeded(.text("{}"))
            let ending = try await bench.recording.complete(attempt, outcome: outcome, delivery: delivery)
            #expect(ending == .finished(.succeeded))
            #expect(try await bench.counts() == ["dash:finished": 1])
            let totals = try await bench.broker.client.send(RedisCommand("HGET", "dash:totals", "bytes"))
            #expect(totals == .null)
            let meta = try #require(try await bench.records.metas(of: [request.id]).first ?? nil)
            let read = try ResultMeta(reading: meta)
            #expect(read.status == .success)
            #expect(read.taskID == request.id.text)
            #expect(read.result.description == "{}")
            withExtendedLifetime(life) {}
        }
    }

    @Test(
        "F5: a superseded attempt writes nothing, neither changes nor a completion nor an acknowledgement"
    )
    func fencing() async throws {
        try await RecordBench.run({ $0.options.lease = .milliseconds(50) }) { bench in
            let request = JobRequest(name: "a")
            try await bench.start(request)
            let (zombie, life) = try await bench.worker("zombie")
            let first = try await bench.take(zombie)
            let old = try await bench.begin(request.id, first, zombie)
            // A suspended process: still subscribed, but its lease expires, and the message is requeued with the same
            // tag.
            try await bench.endOfLease(of: zombie)
            try await returnToQueue(first, of: zombie, bench)
            let (other, otherLife) = try await bench.worker("other")
            let second = try await bench.take(other)
            let new = try await bench.begin(request.id, second, other)
            #expect(new.job.attempt == 2)

            let late = WorkerOutcome.succeeded(.text("1"))
            #expect(
                try await bench.recording.update(old, progress: .values(#"[["a","x",1]]"#), props: []) == .superseded
            )
            #expect(try await bench.recording.complete(old, outcome: late, delivery: first) == .refused)
            #expect(try await bench.counts()["unacked"] == 1)
            #expect(try await bench.recording.update(new, progress: .values(#"[["a","x",2]]"#), props: []) == .current)
            let end = try await bench.recording.complete(new, outcome: .succeeded(.text("2")), delivery: second)
            #expect(end == .finished(.succeeded))
            #expect(try await bench.recording.complete(old, outcome: late, delivery: first) == .refused)
            let news = try await bench.records.update(of: request.id, after: 0)
            #expect(news?.result?.description == "2")
            #expect(news?.progress.map(\.value.description) == ["2"])
            withExtendedLifetime((life, otherLife)) {}
        }
    }

    private func returnToQueue(
        _ delivery: JobsCelery.Delivery,
        of worker: WorkerIdentity,
        _ bench: RecordBench
    ) async throws {
        let envelope = KombuEnvelope.encode(delivery.task, tag: delivery.tag)
        _ = try await bench.broker.client.run(
            BrokerScripts.settle,
            keys: bench.broker.keys.delivery,
            arguments: [delivery.tag, worker.id, envelope]
        )
    }

    @Test(
        "a duplicate of a message is dropped while a living worker runs the job, and after the job is finished"
    )
    func duplicates() async throws {
        try await RecordBench.run { bench in
            let request = JobRequest(name: "a")
            try await bench.start(request)
            let (living, life) = try await bench.worker("living")
            let delivery = try await bench.take(living)
            let attempt = try await bench.begin(request.id, delivery, living)
            var duplicate = delivery
            duplicate.tag = "another"
            let again = try await bench.recording.begin(request.id, delivery: duplicate, worker: living)
            #expect(again == nil, "the duplicate ran")
            _ = try await bench.recording.complete(attempt, outcome: .failed(.broken), delivery: delivery)
            let late = try await bench.recording.begin(request.id, delivery: duplicate, worker: living)
            #expect(late == nil, "it ran after its completion")
            withExtendedLifetime(life) {}
        }
    }

    @Test("F18: a job whose worker died too often is lost, with a message, and not begun again")
    func poison() async throws {
        try await RecordBench.run { bench in
            let request = JobRequest(name: "a")
            try await bench.start(request)
            for number in 1...4 {
                let (worker, _) = try await bench.worker("w\(number)", lives: false)
                let delivery = JobsCelery.Delivery(tag: "\(number)", queue: "dash", task: BrokerMessage())
                #expect(try await bench.begin(request.id, delivery, worker).job.attempt == number)
            }
            let (worker, _) = try await bench.worker("last", lives: false)
            let delivery = JobsCelery.Delivery(tag: "last", queue: "dash", task: BrokerMessage())
            let again = try await bench.recording.begin(request.id, delivery: delivery, worker: worker)
            #expect(again == nil, "it began again")
            let news = try #require(try await bench.records.update(of: request.id, after: 0))
            #expect(news.state == .lost)
            #expect(news.failure?.message.contains("vanished 4 times") == true)
        }
    }

    @Test("Patches form a chain that a value replaces")
    func changes() async throws {
        try await RecordBench.run { bench in
            let request = JobRequest(name: "a")
            try await bench.start(request)
            let (worker, life) = try await bench.worker("w")
            let attempt = try await bench.begin(request.id, try await bench.take(worker), worker)
            let patch = #"[["a","x",{"__dash_patch_update":1}]]"#
            for text in [patch, patch, #"[["a","x",1],["b","x",2]]"#, patch] {
                #expect(try await bench.recording.update(attempt, progress: [], props: .values(text)) == .current)
            }
            let all = try #require(try await bench.records.update(of: request.id, after: 0))
            #expect(all.props.map(\.id) == ["a", "b", "a"])
            #expect(all.sequence == 5)
            let later = try #require(try await bench.records.update(of: request.id, after: 4))
            #expect(later.props.map(\.id) == ["a"])
            withExtendedLifetime(life) {}
        }
    }

    @Test("cached results are bounded: the least recently used are evicted first")
    func cacheBound() async throws {
        let clock = ManualJobClock()
        try await RecordBench.run({ ($0.options.maximumCacheBytes, $0.clock) = (10, clock) }) { bench in
            let (worker, life) = try await bench.worker("w")
            func keep(_ key: String, _ result: String) async throws {
                let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey(key), expire: .seconds(100)))
                try await bench.start(request)
                let delivery = try await bench.take(worker)
                let attempt = try await bench.begin(request.id, delivery, worker)
                clock.advance(by: .seconds(1))
                _ = try await bench.recording.complete(attempt, outcome: .succeeded(.text(result)), delivery: delivery)
            }
            func kept(_ key: String) async throws -> String? {
                clock.advance(by: .seconds(1))
                return try await bench.records.cachedResult(for: CacheKey(key))?.description
            }
            try await keep("a", "1111")
            try await keep("b", "2222")
            #expect(try await kept("a") == "1111")
            try await keep("c", "3333")
            #expect(try await [kept("a"), kept("b"), kept("c")] == ["1111", nil, "3333"])
            try await keep("a", "4")
            try await keep("d", "55555")
            #expect(try await [kept("a"), kept("c"), kept("d")] == ["4", "3333", "55555"])
            try await keep("e", "12345678901")
            #expect(try await [kept("e"), kept("d")] == [nil, "55555"])
            withExtendedLifetime(life) {}
        }
    }

    @Test("a job whose worker and message are both lost is sent again within seconds")
    func orphan() async throws {
        try await RecordBench.run({ $0.options.lease = .milliseconds(50) }) { bench in
            let request = JobRequest(name: "a")
            try await bench.start(request)
            let (worker, _) = try await bench.worker("w", lives: false)
            _ = try await bench.begin(request.id, try await bench.take(worker), worker)
            let keys = bench.broker.keys
            let lost = RedisCommand("DEL", keys.unacked, keys.unackedIndex, keys.holders)
            _ = try await bench.broker.client.send(lost)
            try await until {
                _ = try await bench.sweeper.sweep(asked: [])
                return try await bench.counts()["dash"] == 1
            }
            #expect(try await bench.records.update(of: request.id, after: 0)?.state == .queued)
            #expect(try await bench.counts()["dash"] == 1)
        }
    }
}

extension WorkerFailure {
    static let broken = WorkerFailure(kind: .error, code: "Test", message: "It broke.")
}
