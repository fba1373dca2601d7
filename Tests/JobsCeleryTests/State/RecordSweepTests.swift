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

    private func field(_ name: String, of id: JobID, _ bench: RecordBench) async throws -> String? {
        try await bench.broker.client.send(RedisCommand("HGET", "dash:job:\(id)", name)).text
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
