import DashJSON
import Jobs
import ServiceLifecycle
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Records of jobs when calls fail",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RecordFaultTests {
    @Test("F9: the n-th call is applied but its reply is lost: one job, one attempt, each change once, one completion")
    func answersLost() async throws {
        for number in 1..<60 {
            let faults = Faults { $0 == number ? .doThenFail : .none }
            let isOver = try await RecordBench.run(redis: { FaultyRedis($0.client, faults) }) { bench in
                let request = JobRequest(name: "a", owner: "ann", cache: CacheStore(key: CacheKey("k")))
                try await workload(bench, request)
                let news = try #require(try await bench.records.update(of: request.id, after: 0))
                #expect(news.state == .succeeded)
                #expect(news.attempt == 1)
                #expect(news.props.count == 2)
                #expect(news.sequence == 3)
                #expect(news.delivery?.poll == 1)
                #expect(try await bench.records.cachedResult(for: CacheKey("k"))?.description == "1")
                #expect(try await bench.counts() == ["dash:finished": 1])
                return faults.count < number
            }
            if isOver { return }
        }
        Issue.record("the workload never ended")
    }

    private func workload(_ bench: RecordBench, _ request: JobRequest) async throws {
        try await bench.start(request)
        let (worker, life) = try await bench.worker("w")
        let delivery = try await bench.take(worker)
        let attempt = try await bench.begin(request.id, delivery, worker)
        #expect(attempt.job.attempt == 1)
        let patch = #"[["a","x",{"__dash_patch_update":1}]]"#
        for _ in 0..<2 {
            #expect(try await bench.recording.update(attempt, progress: [], props: .values(patch)) == .current)
        }
        try await bench.records.record(Jobs.Delivery(poll: 1, from: 0, through: 2), for: request.id)
        let ending = try await bench.recording.complete(attempt, outcome: .succeeded(.text("1")), delivery: delivery)
        #expect(ending == .finished(.succeeded))
        withExtendedLifetime(life) {}
    }

    @Test("F6: the web server dies after the n-th call: a job exists with its message, or not at all")
    func serverEnds() async throws {
        // Load the script first, which takes a second call.
        try await RecordBench.run { bench in _ = try await bench.start(JobRequest(name: "a", owner: "ann")) }
        for number in 0..<5 {
            let faults = Faults { $0 <= number ? .none : .fail }
            let settings: (inout RecordSettings) -> Void = { $0.patience = .milliseconds(20) }
            let isAccepted = try await RecordBench.run(settings, redis: { FaultyRedis($0.client, faults) }) { bench in
                let request = JobRequest(name: "a", owner: "ann")
                let isAccepted = (try? await bench.start(request)) != nil
                faults.end()
                let isThere = try await bench.records.update(of: request.id, after: 0) != nil
                #expect(isThere == isAccepted)
                #expect(try await bench.counts()["dash"] ?? 0 == (isThere ? 1 : 0))
                return isAccepted
            }
            #expect(isAccepted == (number > 0))
        }
    }
}

/// The outcomes of a client's calls, by their number.
final class Faults: Sendable {
    enum Fault: Sendable { case none, fail, doThenFail }

    private let state = Mutex((count: 0, isOver: false))
    private let decide: @Sendable (Int) -> Fault

    init(_ decide: @escaping @Sendable (Int) -> Fault) {
        self.decide = decide
    }

    var count: Int { state.withLock { $0.count } }

    /// Stops the faults.
    func end() { state.withLock { $0.isOver = true } }

    func next() -> Fault {
        let (count, isOver) = state.withLock { state in
            state.count += 1
            return (state.count, state.isOver)
        }
        return isOver ? .none : decide(count)
    }
}

/// A client whose calls fail as a test requires.
final class FaultyRedis: RedisClient {
    let client: any RedisClient
    let faults: Faults

    init(_ client: any RedisClient, _ faults: Faults) {
        (self.client, self.faults) = (client, faults)
    }

    var reconnectDeadline: ContinuousClock.Instant? { client.reconnectDeadline }

    func run() async throws { try await client.run() }

    func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        switch faults.next() {
        case .none: return try await client.send(commands)
        case .fail: throw CeleryError(.unreachable, "The test cut the connection.")
        case .doThenFail:
            _ = try await client.send(commands)
            throw CeleryError(.connectionLost, "The test dropped the reply.")
        }
    }
}
