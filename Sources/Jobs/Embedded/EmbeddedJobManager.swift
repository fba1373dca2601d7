public import DashJSON
public import Logging
import ServiceLifecycle
import Support
import Synchronization

/// A job manager within one process: its queue is in memory, its jobs are in a store that it alone uses.
///
/// A job is stored before ``start(_:)`` returns, an attempt before it is executed, an end before it is published.
/// Progress, properties and deliveries are stored every 200 ms at most, and at the end. An idle manager has no timer.
public final class EmbeddedJobManager: JobManager {
    private struct State {
        var engine: JobEngine
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    private let store: any JobStore
    private let executor: any JobExecutor
    private let clock: any JobClock
    private let logger: Logger
    let configuration: JobManagerConfiguration
    private let state: Mutex<State>
    private let timer = DeadlineTimer()
    private let opened = AsyncLatch<Void>()
    private let isOpening = Mutex(false)
    private let executions: AsyncStream<JobExecution>
    private let executionFeed: AsyncStream<JobExecution>.Continuation

    /// Creates a manager. Nothing is opened yet.
    ///
    /// - Parameters:
    ///   - store: Stores jobs and results. Must not be used elsewhere.
    ///   - executor: Executes the jobs. The manager runs it; do not run it elsewhere.
    ///   - configuration: The limits and times.
    ///   - clock: The time source.
    ///   - logger: Logs failures that are not thrown to a caller, for example of writing progress.
    package init(
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

    /// Creates a manager whose jobs end with the process, for tests and simple apps.
    ///
    /// - Parameters:
    ///   - executor: Executes the jobs.
    ///   - configuration: The limits and times.
    ///   - logger: Logs failures that are not thrown to a caller.
    /// - Returns: The manager.
    public static func inMemory(
        executor: any JobExecutor,
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        logger: Logger
    ) -> EmbeddedJobManager {
        EmbeddedJobManager(store: MemoryJobStore(), executor: executor, configuration: configuration, logger: logger)
    }

    /// Starts a job. It is durable when this returns. Waits until the manager is open.
    ///
    /// - Throws: `JobsError`; then no job was started.
    public func start(_ request: JobRequest) async throws -> JobID {
        try await opened.wait()
        let actions = try await actions(ofStart: request)
        if let error = await perform(actions) { throw error }
        return request.id
    }

    private func actions(ofStart request: JobRequest) async throws -> JobActions {
        guard let cache = request.cache, cache.reuseCached else {
            return try withEngine { engine, now throws(JobsError) in try engine.start(request, at: now) }
        }
        while true {
            let completedRuns = withEngine { engine, _ in engine.completedRuns }
            let cached = try await cachedResult(for: cache.key)
            let actions = try withEngine { engine, now throws(JobsError) -> JobActions? in
                // A run that ended since may have cached the result.
                guard cached != nil || engine.completedRuns == completedRuns else { return nil }
                return try engine.start(request, cached: cached, at: now)
            }
            if let actions { return actions }
        }
    }

    /// The cached result of an earlier job. A hit counts as a use.
    ///
    /// - Throws: `JobsError.storage`.
    public func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await opened.wait()
        return try await read("look for a cached result") { try await $0.cachedResult(for: key, at: clock.now().wall) }
    }

    /// Records what was delivered to a page. It is stored with the next write, at most 200 ms later.
    public func record(_ delivery: Delivery, for id: JobID) async throws {
        try await opened.wait()
        let fetched = try await fetch(id)
        withEngine { $0.record(delivery, for: id, fetched: fetched, at: $1) }
    }

    /// Cancels a job. Its waiters are woken before this returns.
    public func cancel(_ id: JobID, reason: String) async throws {
        try await opened.wait()
        await perform(withEngine { $0.cancel(id, reason: reason, at: $1) })
    }

    /// The number of jobs by state.
    public func statistics() async -> JobStatistics {
        state.withLock { $0.engine.statistics }
    }

    /// Passes an event to the engine, and sets the timer if there is an earlier deadline now.
    @discardableResult
    private func withEngine<Value: Sendable, Failure: Error>(
        _ body: (inout JobEngine, JobTime) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let now = clock.now()
        return try state.withLock { state throws(Failure) in
            // Within the lock, so that the last deadline set is the earliest.
            defer { if let deadline = state.engine.timeToArm() { timer.set(to: deadline) } }
            return try body(&state.engine, now)
        }
    }

    private func read<Value>(_ what: String, _ body: (any JobStore) async throws -> Value) async throws -> Value {
        do {
            return try await body(store)
        } catch {
            throw storageError(error, what)
        }
    }

    private func storageError(_ error: any Error, _ what: String) -> JobsError {
        if let error = error as? JobsError { return error }
        return JobsError(.storage, "The store of jobs could not \(what).", cause: error)
    }
}

// MARK: - Updates

extension EmbeddedJobManager {
    /// The current state of a job. The store is read only for jobs that are no longer in memory.
    public func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await opened.wait()
        let fetched = try await fetch(id)
        return update(of: id, fetched: fetched, after: sequence)
    }

    /// Waits for an update. See ``JobManager/nextUpdate(of:after:)``.
    ///
    /// When the manager stops, waiters get the current state; later calls throw `JobsError.stopped`.
    public func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await opened.wait()
        if let fetched = try await fetch(id) { return update(of: id, fetched: fetched, after: sequence) }
        await untilUpdate(of: id, after: sequence)
        // Not `opened.wait()`: the manager may have stopped meanwhile.
        switch withEngine({ $0.update(of: id, after: sequence, at: $1) }) {
        case .update(let update): return update
        case .notInMemory: return try await update(of: id, after: sequence)
        case .waiting, .nothing: return nil
        }
    }

    private func update(of id: JobID, fetched: StoredJob?, after sequence: Int) -> JobUpdate? {
        let answer = withEngine { $0.update(of: id, fetched: fetched, after: sequence, at: $1) }
        guard case .update(let update) = answer else { return nil }
        return update
    }

    /// Suspends until the engine wakes this waiter or the task is cancelled.
    private func untilUpdate(of id: JobID, after sequence: Int) async {
        let waiter = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let now = clock.now()
                let waits = state.withLock { state in
                    guard !Task.isCancelled,
                        case .waiting = state.engine.nextUpdate(of: id, after: sequence, waiter: waiter, at: now)
                    else { return false }
                    state.waiters[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                state.engine.waiterLeft(waiter, of: id, at: clock.now())
                return state.waiters.removeValue(forKey: waiter)
            }
            continuation?.resume()
        }
    }

    /// Reads a job that is not in memory.
    private func fetch(_ id: JobID) async throws -> StoredJob? {
        if state.withLock({ $0.engine.isInMemory(id) }) { return nil }
        return try await read("read a job") { try await $0.job(id) }
    }
}

// MARK: - Run

extension EmbeddedJobManager {
    /// Opens the store and restores the jobs of an earlier process. ``run()`` does so too; call it earlier to detect
    /// that the folder cannot be used before anything else starts.
    ///
    /// - Throws: `JobsError`, for example `.folderInUse`.
    public func open() async throws {
        let isFirst = isOpening.withLock { isOpening in
            defer { isOpening = true }
            return !isOpening
        }
        guard isFirst else { return try await opened.wait() }
        do {
            let jobs = try await store.open()
            await perform(withEngine { $0.restore(jobs, at: $1) })
            await prune()
            opened.settle(.success(()))
        } catch {
            let error = storageError(error, "be opened")
            opened.settle(.failure(error))
            throw error
        }
    }

    /// Runs jobs, and the executor, until the service is shut down or the task is cancelled.
    ///
    /// Then no attempt begins any more. The executor decides how those under way end; jobs whose attempt it gives up
    /// are queued for the next process. Everything is stored and the store is closed when this returns.
    ///
    /// - Throws: `JobsError` if the store cannot be opened, or an error of the executor.
    public func run() async throws {
        try await open()
        var failure: (any Error)?
        await withTaskCancellationOrGracefulShutdownHandler {
            failure = await runUntilStopped()
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
        await close()
        if let failure { throw failure }
    }

    private func runUntilStopped() async -> (any Error)? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.timer.run(clock: self.clock) { await self.timePassed() } }
            group.addTask { await self.runExecutions() }
            let failure = await runExecutor()
            stop()
            await group.waitForAll()
            return failure
        }
    }

    private func runExecutor() async -> (any Error)? {
        do {
            try await executor.run()
            return nil
        } catch is CancellationError {
            return nil
        } catch {
            return error
        }
    }

    private func runExecutions() async {
        await withDiscardingTaskGroup { group in
            for await execution in executions {
                group.addTask { await self.execute(execution) }
            }
        }
    }

    private func stop() {
        withEngine { engine, _ in engine.stop() }
        executionFeed.finish()
        timer.stop()
    }

    private func close() async {
        await perform(withEngine { $0.close(at: $1) })
        opened.settle(.failure(JobsError(.stopped, "The manager of jobs has stopped.")))
        // Waiters that were registered after the engine was closed.
        wake(state.withLock { Set($0.waiters.keys) })
        await store.close()
    }
}

// MARK: - Actions

extension EmbeddedJobManager {
    /// Performs the actions of an event, and those that follow from its writes.
    ///
    /// - Returns: The error of the first write, if it failed. The engine has been notified.
    @discardableResult
    private func perform(_ first: JobActions) async -> JobsError? {
        var actions = first
        var firstError: JobsError?
        var isFirst = true
        while true {
            carryOut(actions)
            guard !actions.changes.isEmpty else { return firstError }
            let (next, error) = await write(actions)
            if isFirst { firstError = error }
            isFirst = false
            actions = next
        }
    }

    private func carryOut(_ actions: JobActions) {
        wake(actions.woken)
        for task in actions.stopped { executor.cancel(task) }
        for execution in actions.executions { executionFeed.yield(execution) }
    }

    private func write(_ actions: JobActions) async -> (JobActions, JobsError?) {
        do {
            let refused = try await store.write(actions.changes)
            return (withEngine { $0.written(actions.steps, refused: refused, at: $1) }, nil)
        } catch {
            let error = storageError(error, "write")
            logger.error("A write of jobs failed.", metadata: ["error": "\(error)"])
            return (withEngine { $0.writeFailed(actions.steps, error, at: $1) }, error)
        }
    }

    private func wake(_ waiters: Set<Int>) {
        guard !waiters.isEmpty else { return }
        let continuations = state.withLock { state in waiters.compactMap { state.waiters.removeValue(forKey: $0) } }
        for continuation in continuations { continuation.resume() }
    }

    private func execute(_ execution: JobExecution) async {
        let (id, attempt) = (execution.id, execution.attempt)
        let outcome = await executor.execute(execution.task) { update in
            self.updated(id, attempt: attempt, update)
        }
        await perform(withEngine { $0.attemptEnded(id, attempt: attempt, outcome, at: $1) })
    }

    private func updated(_ id: JobID, attempt: Int, _ update: WorkerUpdate) {
        switch update {
        case .started: carryOut(withEngine { $0.begun(id, attempt: attempt, at: $1) })
        case .progress(let body): merge(body, as: .progress, of: id, attempt: attempt)
        case .setProps(let body): merge(body, as: .props, of: id, attempt: attempt)
        }
    }

    private func merge(_ body: [UInt8], as sort: JobChanges.Sort, of id: JobID, attempt: Int) {
        guard let values = PropertyValue.list(from: body) else {
            logger.error("A job sent an invalid list of property values.", metadata: ["job": "\(id)"])
            return
        }
        carryOut(withEngine { $0.merge(values, as: sort, of: id, attempt: attempt, at: $1) })
    }

    private func timePassed() async {
        let actions = withEngine { $0.timePassed(at: $1) }
        await perform(actions)
        if actions.prunes { await prune() }
    }

    private func prune() async {
        let now = clock.now().wall
        do {
            let left = try await store.prune(finishedBefore: now - configuration.keepFinished, at: now)
            withEngine { $0.pruned(left, at: $1) }
        } catch {
            logger.error("Old jobs could not be removed.", metadata: ["error": "\(error)"])
            withEngine { $0.pruned(StorePruning(oldestFinished: now), at: $1) }
        }
    }
}
