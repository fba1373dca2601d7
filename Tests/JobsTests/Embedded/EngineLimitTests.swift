import DashJSON
import Testing

@testable import Jobs

@Suite("The limits of the engine")
struct EngineLimitTests {
    private static let now = JobTime(monotonic: .seconds(1000), wall: WallTime(milliseconds: 1_800_000_000_000))

    private static func engine(_ configure: (inout JobManagerConfiguration) -> Void = { _ in }) -> JobEngine {
        var configuration = JobManagerConfiguration()
        configure(&configuration)
        var engine = JobEngine(configuration: configuration, maximumRunning: 1)
        _ = engine.restore([], at: now)
        return engine
    }

    private static func finished(bytes: Int) -> StoredJob {
        var status = JobStatus(state: .succeeded, created: now.wall)
        status.finished = now.wall
        status.result = RawJSON(unchecked: [UInt8](repeating: 49, count: bytes))
        return StoredJob(request: JobRequest(name: "a"), status: status)
    }

    @Test("two results above the memory limit that are fetched concurrently are both returned")
    func largeResults() throws {
        var engine = Self.engine { $0.maximumFinishedBytesInMemory = 1000 }
        let stored = [Self.finished(bytes: 5000), Self.finished(bytes: 5000)]
        for job in stored + stored {
            let answer = engine.update(of: job.request.id, fetched: job, after: 0, at: Self.now)
            guard case .update(let update) = answer else {
                Issue.record("no update")
                continue
            }
            #expect(update.result?.bytes.count == 5000)
            #expect(engine.state.jobs.finished.count == 1)
        }
        engine.record(
            Delivery(poll: 1, from: 0, through: 1),
            for: stored[0].request.id,
            fetched: stored[0],
            at: Self.now
        )
        #expect(engine.state.jobs[stored[0].request.id]?.status.delivery?.poll == 1)
    }

    @Test("the bytes of unfinished jobs are counted once, however they end")
    func bytes() throws {
        var engine = Self.engine()
        let requests = (0..<6).map { _ in JobRequest(name: "a", payload: [1, 2, 3], details: [4]) }
        let starts = try requests.map { try engine.start($0, at: Self.now) }
        #expect(try engine.start(requests[0], at: Self.now).steps.isEmpty)
        #expect(engine.state.jobs.unfinishedBytes == 24)
        let error = JobsError(.storage, "full")
        _ = engine.writeFailed(starts[5].steps, error, at: Self.now)
        _ = engine.written(starts[4].steps, refused: [requests[4].id], at: Self.now)
        for start in starts.prefix(4) { _ = engine.written(start.steps, refused: [], at: Self.now) }
        #expect(engine.state.jobs.unfinishedBytes == 16)
        let cancelled = engine.cancel(requests[3].id, reason: "x", at: Self.now)
        #expect(engine.state.jobs.unfinishedBytes == 16, "the outcome is not persisted yet")
        _ = engine.written(cancelled.steps, refused: [], at: Self.now)
        #expect(engine.state.jobs.unfinishedBytes == 12)
        let end = engine.attemptEnded(requests[0].id, attempt: 1, .succeeded([49]), at: Self.now)
        _ = engine.writeFailed(end.steps, error, at: Self.now)
        #expect(engine.state.jobs.unfinishedBytes == 8)
        var next = Self.engine()
        _ = next.restore(requests[1...2].map { Self.waiting($0) }, at: Self.now)
        #expect(next.state.jobs.unfinishedBytes == 8)
    }

    private static func waiting(_ request: JobRequest) -> StoredJob {
        StoredJob(request: request, status: JobStatus(state: .queued, created: now.wall))
    }

    @Test("pruning continues at once if it was incomplete, otherwise later")
    func pruning() {
        var engine = Self.engine()
        engine.pruned(StorePruning(oldestFinished: Self.now.wall), at: Self.now)
        #expect(engine.timeToArm() == Self.now.monotonic + .seconds(3600))
        engine.pruned(StorePruning(nextExpiry: Self.now.wall), at: Self.now)
        #expect(engine.timeToArm() == Self.now.monotonic + .seconds(10))
        engine.pruned(StorePruning(oldestFinished: Self.now.wall, hasMore: true), at: Self.now)
        #expect(engine.timeToArm() == Self.now.monotonic)
        #expect(engine.timePassed(at: Self.now).prunes)
        engine.pruned(StorePruning(), at: Self.now)
        var later = Self.now
        later.monotonic += .seconds(4000)
        #expect(!engine.timePassed(at: later).prunes, "replaced by the earlier pruning")
    }

    @Test("without a flush interval, a change of a job whose end is being written is flushed afterwards")
    func noFlushInterval() throws {
        var engine = Self.engine { $0.flushInterval = .zero }
        let request = JobRequest(name: "a")
        let start = try engine.start(request, at: Self.now)
        _ = engine.written(start.steps, refused: [], at: Self.now)
        let end = engine.attemptEnded(request.id, attempt: 1, .succeeded([49]), at: Self.now)
        engine.record(Delivery(poll: 1, from: 0, through: 1), for: request.id, fetched: nil, at: Self.now)
        #expect(engine.timePassed(at: Self.now).steps.isEmpty, "the end is not written yet")
        _ = engine.written(end.steps, refused: [], at: Self.now)
        engine.record(Delivery(poll: 2, from: 1, through: 2), for: request.id, fetched: nil, at: Self.now)
        var later = Self.now
        later.monotonic += .milliseconds(1)
        #expect(engine.timePassed(at: later).steps.count == 1)
    }

    @Test("caching a result schedules a pruning soon")
    func cachePruning() throws {
        var engine = Self.engine()
        let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey("k")))
        let start = try engine.start(request, at: Self.now)
        _ = engine.written(start.steps, refused: [], at: Self.now)
        let end = engine.attemptEnded(request.id, attempt: 1, .succeeded([49]), at: Self.now)
        _ = engine.written(end.steps, refused: [], at: Self.now)
        #expect(engine.state.deadlines.nextPruning == Self.now.monotonic + .seconds(10))
    }
}
