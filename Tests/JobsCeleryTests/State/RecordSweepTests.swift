import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import JobsCelery

@Suite("What time does to records", .enabled(if: RedisServer.isAvailable, RedisServer.whyNot), .timeLimit(.minutes(2)))
struct RecordSweepTests {
    /// Sweeps until something is so.
    private func sweep(_ bench: RecordBench, until isSo: () async throws -> Bool) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            _ = try await bench.records.sweep(asked: [])
            if try await isSo() { return true }
            // Redis' clock decides, and tells nobody.
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }

    private func state(_ id: JobID, _ bench: RecordBench) async throws -> JobState? {
        try await bench.records.news(of: id, after: 0)?.news.state
    }

    private func field(_ name: String, of id: JobID, _ bench: RecordBench) async throws -> String? {
        try await bench.broker.client.send(RedisCommand("HGET", "dash:job:\(id)", name)).text
    }

    @Test("of more than a thousand running jobs each is looked at: the last one, whose worker is gone, is sent again")
    func manyRunning() async throws {
        try await RecordBench.run({ $0.lease = .seconds(600) }) { bench in
            let (living, life) = try await bench.worker("living")
            let (gone, _) = try await bench.worker("gone", lives: false)
            try await run(1049, living, bench)
            let last = try await run(1, gone, bench)
            #expect(try await sweep(bench) { try await state(last, bench) == .queued })
            #expect(try await bench.counts()["dash:running"] == 1049)
            withExtendedLifetime(life) {}
        }
    }

    @Test("a worker is asked once for a sign of life, and not by each sweep at once, however many jobs it runs")
    func askedOnce() async throws {
        let server = try await RedisServer.start()
        try await RecordBench.run({ $0.lease = .seconds(600) }, at: try RedisURL(server.address)) { bench in
            let (worker, life) = try await bench.worker("w")
            try await run(50, worker, bench)
            _ = try await bench.broker.client.send(RedisCommand("CONFIG", "RESETSTAT"))
            _ = try await bench.records.sweep(asked: [])
            #expect(try await calls(of: "pubsub", bench) == 1)
            #expect(try await calls(of: "hmget", bench) == 50)
            for _ in 0..<3 { _ = try await bench.records.sweep(asked: []) }
            #expect(try await calls(of: "hmget", bench) <= 100, "a slow machine may take a second for this")
            withExtendedLifetime(life) {}
        }
    }

    /// How often a command was said to the server.
    private func calls(of command: String, _ bench: RecordBench) async throws -> Int {
        let text = try await bench.broker.client.send(RedisCommand("INFO", "commandstats")).text ?? ""
        return text.split(whereSeparator: \.isNewline).reduce(0) { sum, line in
            guard let match = line.wholeMatch(of: /cmdstat_([^:|]+)(\|[^:]+)?:calls=(\d+),.*/), match.1 == command
            else {
                return sum
            }
            return sum + (Int(match.3) ?? 0)
        }
    }

    /// Begins jobs; gives the last.
    @discardableResult
    private func run(_ count: Int, _ worker: WorkerIdentity, _ bench: RecordBench) async throws -> JobID {
        var last = JobID.new
        for number in 0..<count {
            let request = JobRequest(name: "a", owner: "\(number % 7)")
            try await bench.start(request)
            let delivery = JobsCelery.Delivery(tag: request.id.text, queue: "dash", task: RawTask())
            _ = try await bench.begin(request.id, delivery, worker)
            last = request.id
        }
        return last
    }

    @Test(
        "a message that a worker holds is not sent again, however long it waits; one that is gone is, and rarely"
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

    @Test("a message that later ones have overtaken is gone, though its queue is never empty")
    func overtaken() async throws {
        let clock = ManualJobClock()
        try await RecordBench.run({ ($0.doubt, $0.clock, $0.lease) = (.milliseconds(100), clock, .seconds(600)) }) {
            bench in
            let lost = JobRequest(name: "lost")
            try await bench.start(lost)
            _ = try await bench.broker.client.send(RedisCommand("DEL", "dash"))
            clock.advance(by: .seconds(20))
            let (worker, life) = try await bench.worker("w")
            let (next, waiting) = (JobRequest(name: "next"), JobRequest(name: "waiting"))
            for request in [next, waiting] { try await bench.start(request) }
            _ = try await bench.begin(next.id, try await bench.take(worker), worker)
            #expect(try await sweep(bench) { try await bench.counts()["dash"] == 2 })
            #expect(try await field("resent", of: waiting.id, bench) == nil)
            let delivery = try await bench.take(worker)
            #expect(delivery.task.headers["id"] == .string(lost.id.text))
            withExtendedLifetime(life) {}
        }
    }
}
