import DashJSON
import Jobs
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

/// F9: a commit whose reply was lost is sent again, and changes nothing the second time.
@Suite(
    "Repeated commits",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct RepeatedCommitTests {
    /// A transition, and the state of the job before it.
    enum Step: String, CaseIterable, Sendable {
        case start, begin, beginElsewhere, progress, overflow, succeed, fail, retry, retryLater, shutDown
        case cancelWaiting, cancelRunning, endCancelled, interrupt, lose, due, follow, share, takeOver
        case expire, sendAgain
    }

    @Test("change nothing", arguments: Step.allCases)
    func twice(_ step: Step) async throws {
        let bench = try await RecordBench.prepared { $0.options.lease = .seconds(600) }
        // Without the broker's sweep, which removes workers that are not subscribed.
        try await whileRunning(bench.broker.client, bench.broker.subscriber) {
            var commit = try await prepared(step, bench)
            commit.name = "commit"
            guard case .applied = try await bench.records.commit(commit) else {
                Issue.record("it was refused")
                return
            }
            let before = try await everything(bench)
            let isThere = before.contains { $0.hasPrefix("dash:job:\(commit.transition.id)") }
            let second = try await bench.records.commit(commit)
            switch second {
            case .applied(let reply, _):
                #expect(reply == nil, "it was applied twice")
                #expect(isThere)
            case .refused: #expect(!isThere, "only a removed job is refused")
            }
            #expect(try await everything(bench) == before)
        }
    }

    /// Brings a job into the state before a step, and creates the step's commit.
    private func prepared(_ step: Step, _ bench: RecordBench) async throws -> RecordCommit {
        let rules = bench.records.rules
        let request = request(step)
        let worker = WorkerIdentity(node: "w", id: "w.1")
        func facts() async throws -> JobFacts {
            try #require(try await bench.records.facts(of: [request.id])[0]).job
        }
        func running(_ change: (inout JobFacts) -> Void = { _ in }) async throws -> JobFacts {
            try await bench.start(request)
            _ = try await bench.begin(request.id, try await bench.take(worker), worker)
            var job = try await facts()
            change(&job)
            return job
        }
        func commit(_ transition: JobTransition?) async throws -> RecordCommit {
            let transition = try #require(transition)
            let known = try #require(try await bench.records.facts(of: [transition.id])[0])
            var commit = RecordCommit(transition, of: known)
            commit.beginning = RecordCommit.Holding(tag: "tag", worker: worker.id)
            commit.settling = commit.beginning
            commit.meta = .text("{}")
            return commit
        }
        let failure = WorkerOutcome.failed(.broken)
        switch step {
        case .start:
            return RecordCommit(try rules.start(request), starting: request, BrokerMessage())
        case .begin:
            try await bench.start(request)
            return try await commit(rules.begin(try await facts(), fence: "f", version: .any))
        case .beginElsewhere:
            return try await commit(rules.interrupt(try await running(), by: .worker(worker.id), fence: "g"))
        case .progress:
            let values = [PropertyValue].values(#"[["a","x",{"__dash_patch_update":1}]]"#)
            return try await commit(rules.merge(try await running(), progress: values, props: values))
        case .overflow: return try await commit(rules.overflow(try await running(), bytes: .max))
        case .succeed: return try await commit(rules.complete(try await running(), .succeeded(.text("1"))))
        case .fail, .retry, .retryLater: return try await commit(rules.complete(try await running(), failure))
        case .shutDown: return try await commit(rules.complete(try await running(), .shutDown))
        case .cancelWaiting:
            try await bench.start(request)
            return try await commit(rules.cancel(try await facts(), reason: "x"))
        case .cancelRunning: return try await commit(rules.cancel(try await running(), reason: "x"))
        case .endCancelled:
            _ = try await running()
            _ = try await bench.records.cancel(request.id, reason: "x")
            return try await commit(rules.complete(try await facts(), .cancelled(killed: true)))
        case .interrupt: return try await commit(rules.interrupt(try await running(), by: .worker(nil)))
        case .lose:
            return try await commit(rules.interrupt(try await running { $0.interruptions = 3 }, by: .worker(nil)))
        case .due:
            _ = try await bench.records.commit(try await commit(rules.complete(try await running(), failure)))
            // The backoff of the retry policy is a millisecond.
            while try await !isDue(bench) {}
            return try await commit(rules.becomeDue(try await facts()))
        case .follow:
            try await bench.start(JobRequest(name: "leader", cache: request.cache))
            return RecordCommit(try rules.start(request, key: .taken), starting: request, BrokerMessage())
        case .share, .takeOver:
            let leader = JobRequest(name: "leader", cache: request.cache)
            try await bench.start(leader)
            try await bench.start(request)
            if step == .share {
                return try await commit(
                    rules.share(JobEnd(.succeeded, result: .of(leader.id)), with: try await facts())
                )
            }
            // Finish the leader only, not its followers.
            let leading = try #require(try await bench.records.facts(of: [leader.id])[0]).job
            _ = try await bench.records.commit(try await commit(rules.cancel(leading, reason: "x")))
            var commit = try await commit(rules.takeOver(try await facts(), isTaken: false))
            commit.landedFrom = leader.id
            return commit
        case .expire:
            _ = try await bench.records.commit(
                try await commit(rules.complete(try await running(), .succeeded(.text("1"))))
            )
            var limits = JobManagerConfiguration()
            limits.keepFinished = .zero
            return try await commit(JobRules(limits).expire(request.id))
        case .sendAgain:
            try await bench.start(request)
            return try await commit(rules.sendAgain(try await facts()))
        }
    }

    private func isDue(_ bench: RecordBench) async throws -> Bool {
        let time = try await bench.broker.client.send(RedisCommand("TIME")).texts.compactMap { Int($0) }
        let now = time[0] * 1000 + time[1] / 1000
        return try await bench.broker.client.send(RedisCommand("ZCOUNT", "dash:scheduled", "-inf", now)) == .integer(1)
    }

    private func request(_ step: Step) -> JobRequest {
        var request = JobRequest(name: "a", owner: "ann", cache: CacheStore(key: CacheKey("k"), expire: .seconds(100)))
        switch step {
        case .retry: request.retries = .upTo(1, backoff: .constant(.zero))
        case .retryLater: request.retries = .upTo(1, backoff: .constant(.seconds(100)))
        case .due: request.retries = .upTo(1, backoff: .constant(.milliseconds(1)))
        default: break
        }
        return request
    }

    /// All keys with their values.
    private func everything(_ bench: RecordBench) async throws -> [String] {
        let client = bench.broker.client
        let keys = try await client.send(RedisCommand("KEYS", "*")).texts.sorted()
        var all: [String] = []
        for key in keys {
            let type = try await client.send(RedisCommand("TYPE", key)).text ?? ""
            let reading: [String: RedisCommand] = [
                "hash": RedisCommand("HGETALL", key), "zset": RedisCommand("ZRANGE", key, 0, -1, "WITHSCORES"),
                "list": RedisCommand("LRANGE", key, 0, -1), "string": RedisCommand("GET", key),
            ]
            let value = try await client.send(try #require(reading[type], "\(type)"))
            // The members of a hash have no order.
            let isHash = type == "hash"
            let parts = (value.elements ?? [value]).map { "\($0)" }
            all.append("\(key)=\(isHash ? Self.members(parts).sorted() : parts)")
        }
        return all
    }

    private static func members(_ parts: [String]) -> [String] {
        stride(from: 0, to: parts.count - 1, by: 2).map { parts[$0] + parts[$0 + 1] }
    }
}
