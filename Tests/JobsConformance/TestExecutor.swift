package import Jobs
import ServiceLifecycle
import Synchronization

/// Runs tasks in this process under control of the test.
///
/// A task whose name has an ``answer(_:with:)`` ends with it at once. Other tasks are held until the test ends them;
/// ``next()`` returns them.
package final class TestExecutor: JobExecutor {
    struct State {
        var held: [String: TestRun] = [:]
        var answers: [String: @Sendable (WorkerTask) -> WorkerOutcome] = [:]
        var ignoresCancellation = false
        var isShutDown = false
        var cancelled: [String] = []
        var executedCount = 0
    }

    /// The maximum number of concurrent tasks.
    package let maximumConcurrency: Int
    let state = Mutex(State())
    private let begun: AsyncStream<TestRun>
    private let beginning: AsyncStream<TestRun>.Continuation
    private let shutdown: AsyncStream<Void>
    private let shuttingDown: AsyncStream<Void>.Continuation

    /// Creates an executor.
    package init(maximumConcurrency: Int = 4) {
        self.maximumConcurrency = maximumConcurrency
        (begun, beginning) = AsyncStream.makeStream()
        (shutdown, shuttingDown) = AsyncStream.makeStream()
    }

    /// Ends all tasks with a name at once.
    package func answer(_ name: String, with outcome: @escaping @Sendable (WorkerTask) -> WorkerOutcome) {
        state.withLock { $0.answers[name] = outcome }
    }

    /// Lets cancelled tasks continue until the test ends them.
    package func ignoreCancellation() {
        state.withLock { $0.ignoresCancellation = true }
    }

    /// Ends all held tasks as cancelled and killed.
    package func endAll() {
        for run in state.withLock({ Array($0.held.values) }) { run.end(.cancelled(killed: true)) }
    }

    /// The ids of the tasks that were cancelled.
    package var cancelled: [String] { state.withLock { $0.cancelled } }

    /// The next held task.
    package func next() async -> TestRun {
        var iterator = begun.makeAsyncIterator()
        guard let run = await iterator.next() else { return TestRun(task: WorkerTask(id: "", name: "none")) { _ in } }
        return run
    }

    /// Runs until shutdown, then ends all held tasks.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            for await _ in self.shutdown {}
        }
        let held = state.withLock { state in
            state.isShutDown = true
            return Array(state.held.values)
        }
        for run in held { run.end(.shutDown) }
    }

    /// Ends the task with its answer, or holds it.
    package func execute(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        let run = TestRun(task: task, onUpdate: onUpdate)
        let answer = state.withLock { state -> (@Sendable (WorkerTask) -> WorkerOutcome)? in
            if state.isShutDown { return { _ in .shutDown } }
            state.executedCount += 1
            if let answer = state.answers[task.name] { return answer }
            state.held[task.id] = run
            return nil
        }
        onUpdate(.started(worker: 1))
        if let answer { return answer(task) }
        beginning.yield(run)
        let outcome = await run.outcome()
        _ = state.withLock { $0.held.removeValue(forKey: task.id) }
        return outcome
    }

    /// Ends a held task, unless cancellation is ignored.
    package func cancel(_ taskID: String) {
        let run = state.withLock { state -> TestRun? in
            state.cancelled.append(taskID)
            return state.ignoresCancellation ? nil : state.held[taskID]
        }
        run?.end(.cancelled(killed: false))
    }
}

/// A held task.
package final class TestRun: Sendable {
    /// The task.
    package let task: WorkerTask
    private let onUpdate: @Sendable (WorkerUpdate) -> Void
    private let ends: AsyncStream<WorkerOutcome>
    private let ending: AsyncStream<WorkerOutcome>.Continuation

    init(task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) {
        self.task = task
        self.onUpdate = onUpdate
        (ends, ending) = AsyncStream.makeStream()
    }

    /// Sends progress, `[[id, property, value], …]`.
    package func progress(_ body: String) {
        onUpdate(.progress(Array(body.utf8)))
    }

    /// Sends properties, `[[id, property, value], …]`.
    package func setProps(_ body: String) {
        onUpdate(.setProps(Array(body.utf8)))
    }

    /// Ends the task; only the first outcome counts.
    package func end(_ outcome: WorkerOutcome) {
        ending.yield(outcome)
        ending.finish()
    }

    /// Ends the task with a result.
    package func succeed(_ result: String = "null") {
        end(.succeeded(Array(result.utf8)))
    }

    /// Ends the task with a failure.
    package func fail(_ kind: WorkerFailure.Kind = .error, _ message: String = "It broke.") {
        end(.failed(WorkerFailure(kind: kind, code: "Test", message: message)))
    }

    // Not cancellable: a task ends when its executor says so.
    func outcome() async -> WorkerOutcome {
        let ends = ends
        let waiting = Task { await ends.first { _ in true } }
        return await waiting.value ?? .shutDown
    }
}

extension TestExecutor {
    /// The number of held tasks.
    package var heldCount: Int { state.withLock { $0.held.count } }

    /// The number of executed tasks so far.
    package var executedCount: Int { state.withLock { $0.executedCount } }
}
