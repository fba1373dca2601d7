import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import JobsCelery

/// A killed worker process leaves its messages and records as they were, and loses its subscription.
@Suite(
    "A killed worker",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct VanishedWorkerTests {
    /// The progress of the job when the worker is killed.
    enum Stage: CaseIterable, Sendable {
        case claimed, begun, inProgress, ended
    }

    @Test("F1: another worker runs its job within ten seconds, or the job has its result", arguments: Stage.allCases)
    func vanishes(at stage: Stage) async throws {
        let bench = try await RecordBench.prepared()
        let site = TestSite(bench.broker.url)
        let manager = site.manager()
        try await whileRunning(manager, bench.broker) {
            let id = try await manager.start(JobRequest(name: "a"))
            try await vanish(bench, id, stage)
            let start = ContinuousClock.now
            let worker = try site.worker()
            try await whileRunning(worker) {
                if stage != .ended { try await takeOver(site, manager, id, stage) }
                let end = try #require(try await manager.update(of: id) { _ in false })
                #expect(end.state == .succeeded)
                #expect(end.result?.description == (stage == .ended ? "1" : "2"))
                #expect(end.attempt == (stage == .begun || stage == .inProgress ? 2 : 1))
                #expect(site.executor.executedCount == (stage == .ended ? 0 : 1))
                #expect(start.duration(to: .now) < .seconds(10))
            }
            #expect(try await bench.counts() == ["dash:finished": 1])
        }
    }

    private func vanish(_ bench: RecordBench, _ id: JobID, _ stage: Stage) async throws {
        let (worker, _) = try await bench.worker("gone", lives: false)
        let delivery = try await bench.take(worker)
        if stage == .claimed { return }
        let attempt = try await bench.begin(id, delivery, worker)
        if stage == .begun { return }
        _ = try await bench.recording.update(attempt, progress: .values(#"[["bar","value",1]]"#), props: [])
        if stage == .inProgress { return }
        _ = try await bench.recording.complete(attempt, outcome: .succeeded(.text("1")), delivery: delivery)
    }

    private func takeOver(_ site: TestSite, _ manager: CeleryJobManager, _ id: JobID, _ stage: Stage) async throws {
        let run = await site.executor.next()
        let news = try #require(try await manager.update(of: id, after: 0))
        #expect(news.state == .running)
        #expect(news.progress.isEmpty)
        run.succeed("2")
    }
}
