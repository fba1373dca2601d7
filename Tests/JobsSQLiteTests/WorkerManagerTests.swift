import DashJSON
import Foundation
import Jobs
import Testing

@Suite("A manager over SQLite with worker processes", .timeLimit(.minutes(2)))
struct WorkerManagerTests {
    @Test("16 callers × 100 empty jobs: 1,600 results, each for its caller")
    func manyCallers() async throws {
        try await FixtureWorkers.withManager(TemporaryFolder()) { manager, _ in
            let good = try await withThrowingTaskGroup(of: Int.self) { group in
                for caller in 0..<16 {
                    group.addTask {
                        var good = 0
                        for number in 0..<100 {
                            let text = "[\(caller),\(number)]"
                            let request = JobRequest(name: "echo", payload: Array(text.utf8), owner: "\(caller)")
                            let end = try await end(of: manager.start(request), manager)
                            if end.result?.description == text, end.owner == "\(caller)" { good += 1 }
                        }
                        return good
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(good == 1600)
        }
    }

    @Test("F1: a job whose worker dies is retried and succeeds")
    func workerDies() async throws {
        let file = TemporaryFolder()
        defer { withExtendedLifetime(file) {} }
        try await FixtureWorkers.withManager(TemporaryFolder(), workers: 1) { manager, _ in
            let request = JobRequest(
                name: "fail-first-n",
                payload: Array("1 \(file.path) trap".utf8),
                retries: .upTo(1, backoff: .constant(.zero))
            )
            let end = try await end(of: manager.start(request), manager)
            #expect(end.state == .succeeded)
            #expect(end.attempt == 2)
            #expect(end.result?.description == "2")
        }
    }

    @Test("F1: a job whose worker is killed at any moment succeeds")
    func workerKilled() async throws {
        let file = TemporaryFolder()
        defer { withExtendedLifetime(file) {} }
        try await FixtureWorkers.withManager(TemporaryFolder(), workers: 1) { manager, pool in
            let request = JobRequest(
                name: "wait-for-file",
                payload: Array(file.path.utf8),
                retries: .upTo(1, backoff: .constant(.zero))
            )
            let id = try await manager.start(request)
            // If the task has not begun yet, the pool requeues it, and no attempt is lost.
            kill(try await busyWorker(pool), SIGKILL)
            try Data().write(to: URL(filePath: file.path))
            #expect(try await end(of: id, manager).state == .succeeded)
        }
    }

    @Test("F2: a trap fails its job with signal and message; other jobs continue")
    func trap() async throws {
        let file = TemporaryFolder()
        defer { withExtendedLifetime(file) {} }
        try await FixtureWorkers.withManager(TemporaryFolder()) { manager, _ in
            let other = try await manager.start(JobRequest(name: "wait-for-file", payload: Array(file.path.utf8)))
            let id = try await manager.start(JobRequest(name: "fatal"))
            let end = try await end(of: id, manager)
            #expect(end.state == .failed)
            #expect(end.failure?.kind == .crash)
            #expect(end.failure?.message.contains("boom: the user's own message") == true)
            try Data().write(to: URL(filePath: file.path))
            #expect(try await self.end(of: other, manager).state == .succeeded)
        }
    }

    @Test("F3: a sleeping job and an unresponsive one are cancelled", arguments: ["sleep", "busy"])
    func cancelled(_ name: String) async throws {
        try await FixtureWorkers.withManager(TemporaryFolder()) { manager, pool in
            let id = try await manager.start(JobRequest(name: name))
            _ = try await busyWorker(pool)
            try await manager.cancel(id, reason: "by ann")
            let end = try await end(of: id, manager)
            #expect(end.state == .cancelled)
            #expect(end.endReason == "by ann")
        }
    }

    @Test("F26: a job that a graceful shutdown interrupts runs again in the next process")
    func shutdown() async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let file = TemporaryFolder()
        defer { withExtendedLifetime(file) {} }
        let id = try await FixtureWorkers.withManager(folder) { manager, pool in
            let id = try await manager.start(JobRequest(name: "wait-for-file", payload: Array(file.path.utf8)))
            _ = try await busyWorker(pool)
            return id
        }
        try folder.checkIntegrity()
        #expect(try folder.number("SELECT count(*) FROM jobs WHERE state = 'queued'") == 1)
        try Data().write(to: URL(filePath: file.path))
        try await FixtureWorkers.withManager(folder) { manager, _ in
            let end = try await end(of: id, manager)
            #expect(end.state == .succeeded)
            #expect(end.attempt == 2)
        }
    }

    @Test("F21: 10,000 properties from a worker result in the exact final state")
    func properties() async throws {
        try await FixtureWorkers.withManager(TemporaryFolder()) { manager, _ in
            let id = try await manager.start(JobRequest(name: "set-props", payload: Array("10000".utf8)))
            _ = try await end(of: id, manager)
            let news = try #require(try await manager.update(of: id, after: 0))
            let values = Set(news.props.map { "\($0.id)=\($0.value)" })
            #expect(values == Set((9_950..<10_000).map { "id-\($0 % 50)=\($0)" }))
            #expect(news.props.count == 50)
        }
    }

    private func end(of id: JobID, _ manager: EmbeddedJobManager) async throws -> JobUpdate {
        var known = -1
        while true {
            let news = try #require(try await manager.nextUpdate(of: id, after: known))
            if news.state.isFinished { return news }
            known = news.sequence
        }
    }

    /// The process of the only running job. It is polled for, as there is no event.
    private func busyWorker(_ pool: WorkerPool) async throws -> Int32 {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let statistics = pool.statistics
            if statistics.busy == 1, statistics.workers == 1 || pool.maximumConcurrency > 1,
                let pid = statistics.pids.first
            {
                return pid
            }
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
