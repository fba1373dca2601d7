import DashJSON
import HeapModule
import Testing

@testable import Jobs

@Suite("The engine")
struct EngineTests {
    @Test("finishes every job once, for any events in any order", arguments: 1...150)
    func simulation(_ seed: UInt64) throws {
        var simulation = EngineSimulation(seed: seed, failingWrites: 0)
        try simulation.run(steps: 400)
    }

    @Test("F8: finishes every job once while writes fail", arguments: 1...150)
    func simulationWithFaults(_ seed: UInt64) throws {
        var simulation = EngineSimulation(seed: seed, failingWrites: 30)
        try simulation.run(steps: 400)
    }

    @Test("persists an outcome before it is published")
    func endAfterWrite() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a")
        let start = try engine.start(request, at: Self.now)
        #expect(start.executions.isEmpty)
        let begin = engine.written(start.steps, refused: [], at: Self.now)
        let execution = try #require(begin.executions.first)
        #expect(begin.changes.isEmpty, "the start is part of the insertion")
        _ = engine.nextUpdate(of: request.id, after: 0, waiter: 7, at: Self.now)
        let end = engine.attemptEnded(request.id, attempt: execution.attempt, .succeeded([49]), at: Self.now)
        #expect(end.woken.isEmpty)
        #expect(engine.state.jobs[request.id]?.status.state == .running)
        let published = engine.written(end.steps, refused: [], at: Self.now)
        #expect(published.woken == [7])
        #expect(engine.state.jobs[request.id]?.status.state == .succeeded)
    }

    @Test("starts the next job in the same write that finishes one")
    func nextInSameWrite() throws {
        var engine = Self.engine()
        let requests = [JobRequest(name: "a"), JobRequest(name: "b")]
        for request in requests {
            let start = try engine.start(request, at: Self.now)
            _ = engine.written(start.steps, refused: [], at: Self.now)
        }
        let end = engine.attemptEnded(requests[0].id, attempt: 1, .succeeded([49]), at: Self.now)
        #expect(end.steps == [.ended(requests[0].id), .started(requests[1].id)])
    }

    @Test("a cancellation names the current attempt")
    func taskIDs() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.zero)))
        let start = try engine.start(request, at: Self.now)
        let first = engine.written(start.steps, refused: [], at: Self.now).executions
        let failure = WorkerFailure(kind: .crash, code: "", message: "")
        let failed = engine.attemptEnded(request.id, attempt: 1, .failed(failure), at: Self.now)
        let second = engine.written(failed.steps, refused: [], at: Self.now).executions
        #expect(first.map(\.task.id) == ["\(request.id).1"])
        #expect(second.map(\.task.id) == ["\(request.id).2"])
        #expect(engine.cancel(request.id, reason: "x", at: Self.now).stopped == ["\(request.id).2"])
    }

    @Test("a cancellation before the executor has begun is repeated")
    func earlyCancellation() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a")
        let start = try engine.start(request, at: Self.now)
        _ = engine.written(start.steps, refused: [], at: Self.now)
        #expect(engine.begun(request.id, attempt: 1, at: Self.now).stopped.isEmpty)
        _ = engine.cancel(request.id, reason: "x", at: Self.now)
        #expect(engine.begun(request.id, attempt: 1, at: Self.now).stopped == ["\(request.id).1"])
        #expect(engine.begun(request.id, attempt: 0, at: Self.now).stopped.isEmpty)
    }

    @Test("jobs cancelled while waiting leave nothing behind")
    func cancelledPlaces() throws {
        var engine = Self.engine()
        for _ in 0..<1000 {
            let request = JobRequest(name: "a")
            let start = try engine.start(request, at: Self.now)
            _ = engine.written(start.steps, refused: [], at: Self.now)
            let cancelled = engine.cancel(request.id, reason: "x", at: Self.now)
            _ = engine.written(cancelled.steps, refused: [], at: Self.now)
        }
        #expect(engine.state.jobs.queue.count <= 70)
        #expect(engine.state.jobs.waitingCount == 0)
    }

    @Test("a job that is started anew with the id of a cancelled and evicted one has its new place")
    func newPlace() throws {
        var configuration = JobManagerConfiguration()
        configuration.maximumFinishedInMemory = 1
        var engine = Self.engine(configuration)
        let requests = (0..<4).map { _ in JobRequest(name: "a") }
        func start(_ request: JobRequest) throws {
            _ = engine.written(try engine.start(request, at: Self.now).steps, refused: [], at: Self.now)
        }
        func cancel(_ request: JobRequest) {
            let cancelled = engine.cancel(request.id, reason: "x", at: Self.now)
            _ = engine.written(cancelled.steps, refused: [], at: Self.now)
        }
        for request in requests { try start(request) }
        for request in requests[1...2] { cancel(request) }
        #expect(!engine.isInMemory(requests[1].id))
        try start(requests[1])
        let end = engine.attemptEnded(requests[0].id, attempt: 1, .succeeded([49]), at: Self.now)
        #expect(end.steps == [.ended(requests[0].id), .started(requests[3].id)])
    }

    @Test("a scheduled job whose end is being written is not subtracted from the queued ones")
    func statisticsAfterRestart() {
        var configuration = JobManagerConfiguration()
        configuration.currentVersion = { _ in nil }
        var engine = JobEngine(configuration: configuration, maximumRunning: 1)
        var status = JobStatus(state: .scheduled, created: Self.now.wall)
        status.due = Self.now.wall + .seconds(60)
        _ = engine.restore([StoredJob(request: JobRequest(name: "a"), status: status)], at: Self.now)
        #expect(engine.statistics == JobStatistics(maximumRunning: 1))
    }

    private static let now = JobTime(monotonic: .zero, wall: WallTime(milliseconds: 0))

    private static func engine(_ configuration: JobManagerConfiguration = JobManagerConfiguration()) -> JobEngine {
        var engine = JobEngine(configuration: configuration, maximumRunning: 1)
        _ = engine.restore([], at: now)
        return engine
    }
}
