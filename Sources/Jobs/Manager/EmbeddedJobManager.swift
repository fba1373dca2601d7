public import DashJSON
public import Logging
import Support
import Synchronization

/// A job manager within one process: its queue is in memory, its jobs are in a store that it alone uses.
///
/// What is promised is kept by the order of writes: a job is stored before ``start(_:)`` returns, an attempt before it
/// begins, an end before anybody is told. Progress, properties and deliveries are stored at most each 200 ms and at the
/// end. No timer runs while nothing is waiting for a time.
public final class EmbeddedJobManager: JobManager {
    struct State {
        var engine: JobEngine
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    let store: any JobStore
    let executor: any JobExecutor
    let clock: any JobClock
    let logger: Logger
    let configuration: JobManagerConfiguration
    let state: Mutex<State>
    let alarm = Alarm()
    let opened = AsyncLatch<Void>()
    let opening = Mutex(false)
    let executions: AsyncStream<JobExecution>
    let executionFeed: AsyncStream<JobExecution>.Continuation

    /// Makes a manager; nothing is opened yet.
    ///
    /// - Parameters:
    ///   - store: Where jobs and results are kept. No one else may use it.
    ///   - executor: What runs the jobs. The manager runs it: do not start it elsewhere.
    ///   - configuration: The rules.
    ///   - clock: The time.
    ///   - logger: Where to say what no caller is told, for example that a write of progress failed.
    public init(
        store: any JobStore,
        executor: any JobExecutor,
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        clock: any JobClock = SystemJobClock(),
        logger: Logger
    ) {
        self.store = store
        self.executor = executor
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        state = Mutex(
            State(engine: JobEngine(configuration: configuration, maximumRunning: executor.maximumConcurrency))
        )
        (executions, executionFeed) = AsyncStream.makeStream()
    }

    /// Starts a job. It is durable when this returns. Waits until the manager is open.
    ///
    /// - Throws: `JobsError`; nothing was started then.
    public func start(_ request: JobRequest) async throws -> JobID {
        try await opened.wait()
        let actions = try await begin(request)
        if let error = await perform(actions) { throw error }
        return request.id
    }

    private func begin(_ request: JobRequest) async throws -> JobActions {
        guard let cache = request.cache, cache.usesKept else {
            return try withEngine { engine, now throws(JobsError) in try engine.start(request, at: now) }
        }
        while true {
            let landings = withEngine { engine, _ in engine.landings }
            let kept = try await cachedResult(for: cache.key)
            let actions = try withEngine { engine, now throws(JobsError) -> JobActions? in
                // A result that came while the store was looked at may be the one that is looked for.
                guard kept != nil || engine.landings == landings else { return nil }
                return try engine.start(request, kept: kept, at: now)
            }
            if let actions { return actions }
        }
    }

    /// The result that an earlier job kept under a key. A hit counts as a use.
    ///
    /// - Throws: `JobsError.storage`.
    public func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await opened.wait()
        do {
            return try await store.cachedResult(for: key, at: clock.now().wall)
        } catch {
            throw storageError(error, "look for a cached result")
        }
    }

    /// Remembers what a page was told of a job. It is stored with the next write, at most 200 ms later.
    public func record(_ delivery: Delivery, for id: JobID) async throws {
        try await opened.wait()
        let fetched = try await fetch(id)
        withEngine { $0.record(delivery, for: id, fetched: fetched, at: $1) }
    }

    /// Asks a job to stop. Those who wait for its news are told before this returns.
    public func cancel(_ id: JobID, reason: String) async throws {
        try await opened.wait()
        await perform(withEngine { $0.cancel(id, reason: reason, at: $1) })
    }

    /// How much work there is.
    public func statistics() async -> JobStatistics {
        state.withLock { $0.engine.statistics }
    }

    /// Asks the engine and sets the alarm if there is an earlier deadline now.
    @discardableResult
    func withEngine<Value: Sendable, Failure: Error>(
        _ body: (inout JobEngine, JobTime) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let now = clock.now()
        return try state.withLock { state throws(Failure) in
            // Within the lock, so that the last one set is the earliest.
            defer { if let deadline = state.engine.deadlineToArm() { alarm.set(to: deadline) } }
            return try body(&state.engine, now)
        }
    }

    func storageError(_ error: any Error, _ what: String) -> JobsError {
        if let error = error as? JobsError { return error }
        return JobsError(.storage, "The store of jobs could not \(what).", cause: error)
    }
}
