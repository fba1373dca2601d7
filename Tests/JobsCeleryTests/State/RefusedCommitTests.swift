import DashJSON
import Jobs
import ServiceLifecycle
import Synchronization
import Testing

@testable import JobsCelery
@testable import RedisClient

/// A refused transition costs another round trip. Measures how often.
@Suite(
    "Refused commits",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RefusedCommitTests {
    private static let serverCount = 4
    private static let workersOfServer = 4
    private static let ordinary = 1000
    private static let shared = 100

    @Test(
        "are repeated in less than 5 %: 4 servers, 16 workers, 100 starts under one key, random cancels"
    )
    func rate() async throws {
        let url = try await RedisServer.shared().database()
        let counts = CommitCounts()
        var benches: [RecordBench] = []
        for _ in 0..<Self.serverCount {
            benches.append(try await .prepared(at: url, redis: { CountingRedis(client: $0.client, counts: counts) }))
        }
        let all = benches
        try await whileRunning(all[0].broker, all[1].broker, all[2].broker, all[3].broker) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (number, bench) in all.enumerated() {
                    group.addTask { try await start(on: bench, number: number) }
                    for worker in 0..<Self.workersOfServer {
                        group.addTask { try await work(on: bench, "w\(number)-\(worker)") }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await all[0].counts() == ["dash:finished": Self.ordinary + Self.shared])
        }
        let found = counts.value
        print("\(found.total) commits, \(found.refused) refused, \(found.again) of them repeated")
        #expect(found.total > 3 * Self.ordinary)
        #expect(found.again * 20 < found.total)
    }

    /// Starts a server's part of the jobs, and cancels some.
    private func start(on bench: RecordBench, number: Int) async throws {
        var random = SeededNumbers(seed: UInt64(number + 1))
        let every = Self.ordinary / Self.shared
        for place in 0..<(Self.ordinary / Self.serverCount) {
            let request = JobRequest(name: "a", owner: "owner\(place % 50)")
            try await bench.start(request)
            if place % every == 0 {
                let cache = CacheStore(key: CacheKey("k"))
                try await bench.start(JobRequest(name: "a", owner: "owner\(place % 50)", cache: cache))
            }
            if random.next() % 10 == 0 { _ = try await bench.records.cancel(request.id, reason: "test") }
        }
    }

    /// Runs jobs until all are finished.
    private func work(on bench: RecordBench, _ name: String) async throws {
        let (worker, life) = try await bench.worker(name)
        let all = RedisValue.integer(Self.ordinary + Self.shared)
        while try await bench.broker.client.send(RedisCommand("ZCARD", "dash:finished")) != all {
            guard let delivery = try await bench.takeIfAny(worker) else {
                // Another worker may still run the last jobs; no notification follows.
                try await Task.sleep(for: .milliseconds(5))
                continue
            }
            let id = try #require(delivery.task.headers["id"]?.stringValue.flatMap { JobID($0) })
            guard let attempt = try await bench.recording.begin(id, delivery: delivery, worker: worker) else {
                try await bench.acknowledge(delivery, worker)
                continue
            }
            let standing = try await bench.recording.update(attempt, progress: [], props: .values(#"[["a","x",1]]"#))
            let outcome = standing == .current ? WorkerOutcome.succeeded(.text("1")) : .cancelled(killed: false)
            _ = try await bench.recording.complete(attempt, outcome: outcome, delivery: delivery)
        }
        withExtendedLifetime(life) {}
    }
}

/// Counts the outcomes of commits.
private final class CommitCounts: Sendable {
    struct Counts {
        var total = 0
        var refused = 0
        /// Refused and followed by another transition, because the job is not finished.
        var again = 0
    }

    private let state = Mutex(Counts())

    var value: Counts { state.withLock { $0 } }

    func count(_ answers: [RedisValue]) {
        state.withLock { counts in
            for answer in answers {
                let what = answer[0].text
                guard let what, ["applied", "refused", "repeated"].contains(what) else { continue }
                counts.total += 1
                guard what == "refused" else { continue }
                counts.refused += 1
                let state = answer[3][0].text.flatMap(JobState.init)
                if state?.isFinished != true { counts.again += 1 }
            }
        }
    }
}

private final class CountingRedis: RedisClient {
    private let client: any RedisClient
    private let counts: CommitCounts

    init(client: any RedisClient, counts: CommitCounts) {
        (self.client, self.counts) = (client, counts)
    }

    var reconnectDeadline: ContinuousClock.Instant? { client.reconnectDeadline }

    func run() async throws { try await client.run() }

    func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        let answers = try await client.send(commands)
        counts.count(answers)
        return answers
    }
}

/// Random numbers, the same for the same seed.
private struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
