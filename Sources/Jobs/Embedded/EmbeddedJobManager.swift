public import DashJSON
public import Logging
import ServiceLifecycle
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
    let alarm = DeadlineTimer()
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
        guard let cache = request.cache, cache.reuseCached else {
            return try withEngine { engine, now throws(JobsError) in try engine.start(request, at: now) }
        }
        while true {
            let completedRuns = withEngine { engine, _ in engine.completedRuns }
            let kept = try await cachedResult(for: cache.key)
            let actions = try withEngine { engine, now throws(JobsError) -> JobActions? in
                // A result that came while the store was looked at may be the one that is looked for.
                guard kept != nil || engine.completedRuns == completedRuns else { return nil }
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

// MARK: - Memory

extension EmbeddedJobManager {
    /// A manager whose jobs end with the process; for tests, and apps that need no more.
    ///
    /// - Parameters:
    ///   - executor: What runs the jobs.
    ///   - configuration: The rules.
    ///   - logger: Where to say what no caller is told.
    public static func inMemory(
        executor: any JobExecutor,
        configuration: JobManagerConfiguration = JobManagerConfiguration(),
        logger: Logger
    ) -> EmbeddedJobManager {
        EmbeddedJobManager(store: MemoryJobStore(), executor: executor, configuration: configuration, logger: logger)
    }
}

// MARK: - News

extension EmbeddedJobManager {
    /// How a job stands now. The store is read only for jobs that finished some time ago.
    public func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await opened.wait()
        let fetched = try await fetch(id)
        return update(of: id, fetched: fetched, after: sequence)
    }

    /// Waits until there are news. See ``JobManager/nextUpdate(of:after:)``.
    ///
    /// When the manager stops, waiters are given what there is; whoever asks then gets `JobsError.stopped`.
    public func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await opened.wait()
        if let fetched = try await fetch(id) { return update(of: id, fetched: fetched, after: sequence) }
        await untilUpdate(of: id, after: sequence)
        return try await currentUpdate(of: id, after: sequence)
    }

    private func update(of id: JobID, fetched: StoredJob?, after sequence: Int) -> JobUpdate? {
        let answer = withEngine { $0.update(of: id, fetched: fetched, after: sequence, at: $1) }
        guard case .news(let news) = answer else { return nil }
        return news
    }

    /// The news even if the manager stopped while they were waited for.
    private func currentUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        switch withEngine({ $0.update(of: id, after: sequence, at: $1) }) {
        case .news(let news): return news
        case .notInMemory: return try await update(of: id, after: sequence)
        case .waiting, .nothing: return nil
        }
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

    /// Reads a job if only the store has it.
    func fetch(_ id: JobID) async throws -> StoredJob? {
        guard state.withLock({ $0.engine.jobs[id] == nil }) else { return nil }
        do {
            return try await store.job(id)
        } catch {
            throw storageError(error, "read a job")
        }
    }
}

// MARK: - Run

extension EmbeddedJobManager {
    /// Opens the store and takes back the jobs of an earlier process. ``run()`` does it; call it before to see whether the
    /// folder can be used before anything else is started.
    ///
    /// - Throws: `JobsError`, for example `.folderInUse`.
    public func open() async throws {
        let isFirst = opening.withLock { opening in
            defer { opening = true }
            return !opening
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

    /// Runs jobs, and the executor, until the service is asked to stop or the task is cancelled.
    ///
    /// Then no attempt begins any more. Those under way end as the executor sees fit; the jobs of those it gives up wait
    /// for the next process. Everything is stored and the store closed when this returns.
    ///
    /// - Throws: `JobsError` if the store cannot be opened, or what the executor throws.
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
            group.addTask { await self.alarm.run(clock: self.clock) { await self.timePassed() } }
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
        alarm.stop()
    }

    private func close() async {
        await perform(withEngine { $0.close(at: $1) })
        opened.settle(.failure(JobsError(.stopped, "The manager of jobs has stopped.")))
        wakeAll()
        await store.close()
    }

    private func wakeAll() {
        let waiting = state.withLock { state in
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for continuation in waiting { continuation.resume() }
    }
}

// MARK: - Actions

extension EmbeddedJobManager {
    /// Does what the engine wants, and what it wants after that.
    ///
    /// - Returns: The error of the first write, if it failed. The engine has been told.
    @discardableResult
    func perform(_ first: JobActions) async -> JobsError? {
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

    /// Executes one attempt and sees to its end.
    func execute(_ execution: JobExecution) async {
        let (id, attempt) = (execution.id, execution.attempt)
        let outcome = await executor.execute(execution.task) { update in
            self.updated(id, attempt: attempt, update)
        }
        await perform(withEngine { $0.attemptEnded(id, attempt: attempt, outcome, at: $1) })
    }

    private func updated(_ id: JobID, attempt: Int, _ update: WorkerUpdate) {
        switch update {
        case .started: carryOut(withEngine { engine, _ in engine.begun(id, attempt: attempt) })
        case .progress(let body): merge(body, as: .progress, of: id, attempt: attempt)
        case .setProps(let body): merge(body, as: .props, of: id, attempt: attempt)
        }
    }

    private func merge(_ body: [UInt8], as sort: JobChanges.Sort, of id: JobID, attempt: Int) {
        guard let values = PropertyValue.list(from: body) else {
            logger.error("A job sent something that is no list of property values.", metadata: ["job": "\(id)"])
            return
        }
        carryOut(withEngine { $0.merge(values, as: sort, of: id, attempt: attempt, at: $1) })
    }

    /// The alarm has gone off.
    func timePassed() async {
        let actions = withEngine { $0.timePassed(at: $1) }
        await perform(actions)
        if actions.prunes { await prune() }
    }

    func prune() async {
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
