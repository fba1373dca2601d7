import DashJSON
import HeapModule
import Testing

@testable import Jobs

@Suite("The engine")
struct EngineTests {
    @Test("ends every job once, whatever happens in whatever order", arguments: 1...150)
    func simulation(_ seed: UInt64) throws {
        var simulation = EngineSimulation(seed: seed, failingWrites: 0)
        try simulation.run(steps: 400)
    }

    @Test("F8: does so while writes fail", arguments: 1...150)
    func simulationWithFaults(_ seed: UInt64) throws {
        var simulation = EngineSimulation(seed: seed, failingWrites: 30)
        try simulation.run(steps: 400)
    }

    @Test("writes an end before it tells anybody")
    func endAfterWrite() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a")
        let start = try engine.start(request, at: Self.now)
        #expect(start.executions.isEmpty)
        let begin = engine.written(start.steps, refused: [], at: Self.now)
        let execution = try #require(begin.executions.first)
        #expect(begin.changes.isEmpty, "the beginning was part of the insertion")
        _ = engine.nextUpdate(of: request.id, after: 0, waiter: 7, at: Self.now)
        let end = engine.attemptEnded(request.id, attempt: execution.attempt, .succeeded([49]), at: Self.now)
        #expect(end.woken.isEmpty)
        #expect(engine.jobs[request.id]?.status.state == .running)
        let told = engine.written(end.steps, refused: [], at: Self.now)
        #expect(told.woken == [7])
        #expect(engine.jobs[request.id]?.status.state == .succeeded)
    }

    @Test("begins the next job in the same write that ends one")
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

    @Test("a job is not cancelled by a word about its earlier attempt")
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

    @Test("a cancellation that comes before the executor can hear it is said again")
    func earlyCancellation() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a")
        let start = try engine.start(request, at: Self.now)
        _ = engine.written(start.steps, refused: [], at: Self.now)
        #expect(engine.begun(request.id, attempt: 1).stopped.isEmpty)
        _ = engine.cancel(request.id, reason: "x", at: Self.now)
        #expect(engine.begun(request.id, attempt: 1).stopped == ["\(request.id).1"])
        #expect(engine.begun(request.id, attempt: 0).stopped.isEmpty)
    }

    @Test("jobs that are cancelled while they wait leave nothing behind")
    func cancelledPlaces() throws {
        var engine = Self.engine()
        for _ in 0..<1000 {
            let request = JobRequest(name: "a")
            let start = try engine.start(request, at: Self.now)
            _ = engine.written(start.steps, refused: [], at: Self.now)
            let cancelled = engine.cancel(request.id, reason: "x", at: Self.now)
            _ = engine.written(cancelled.steps, refused: [], at: Self.now)
        }
        #expect(engine.queue.count <= 70)
        #expect(engine.waitingCount == 0)
    }

    private static let now = JobTime(monotonic: .zero, wall: WallTime(milliseconds: 0))

    private static func engine() -> JobEngine {
        var engine = JobEngine(configuration: JobManagerConfiguration(), maximumRunning: 1)
        _ = engine.restore([], at: now)
        return engine
    }
}
