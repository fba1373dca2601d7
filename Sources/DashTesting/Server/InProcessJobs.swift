import Dash
import DashJSON
import Dispatch
import Jobs
import Synchronization

/// Runs a site's jobs in the test's process.
final class InProcessJobs: JobExecutor {
    private struct State {
        var running: [String: Task<WorkerOutcome, Never>] = [:]
        var isShutDown = false
    }

    private let site: DashSite
    private let executor: TestExecutor
    private let options: TestOptions
    private let state = Mutex(State())

    init(_ site: DashSite, options: TestOptions, executor: TestExecutor) {
        self.site = site
        self.executor = executor
        self.options = options
    }

    var maximumConcurrency: Int { options.concurrentJobs }

    /// The running jobs, as owners of waits.
    var running: Set<TestClock.Sleeper> { Set(state.withLock { $0.running.keys.map { .job($0) } }) }

    /// Runs until the test ends, then cancels the remaining jobs.
    func run() async throws {
        for await _ in AsyncStream<Never>.makeStream().stream {}
        let left = state.withLock { state in
            state.isShutDown = true
            return Array(state.running.values)
        }
        for work in left { work.cancel() }
    }

    func execute(_ task: WorkerTask, onUpdate: @escaping @Sendable (WorkerUpdate) -> Void) async -> WorkerOutcome {
        let work = Task(executorPreference: executor) {
            await TestClock.$sleeper.withValue(.job(task.id)) {
                await CallbackContext.$currentClock.withValue(self.options.clock) { await self.perform(task, onUpdate) }
            }
        }
        state.withLock { $0.running[task.id] = work }
        onUpdate(.started(worker: 1))
        let outcome = await work.value
        _ = state.withLock { $0.running.removeValue(forKey: task.id) }
        return outcome
    }

    func cancel(_ taskID: String) { state.withLock { $0.running[taskID] }?.cancel() }

    private func perform(
        _ task: WorkerTask,
        _ onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        let channel = WorkerChannel(progress: { onUpdate(.progress($0)) }, setProps: { onUpdate(.setProps($0)) })
        do {
            return .succeeded(try await result(of: task, channel))
        } catch is CancellationError {
            return state.withLock { $0.isShutDown } ? .shutDown : .cancelled(killed: false)
        } catch {
            return .failed(WorkerFailure(kind: .error, code: "\(type(of: error))", message: "\(error)"))
        }
    }

    private func result(of task: WorkerTask, _ channel: WorkerChannel) async throws -> [UInt8] {
        guard let remote = site.remoteTask(ofJob: task.name) else { return try await site.runJob(task, channel) }
        guard let standIn = options.remoteTasks[remote] else {
            throw TestError(
                .callback,
                """
                The task \(remote) runs on other workers, and a test has none. Add a stand-in: \
                options.task("\(remote)") { arguments in … }
                """
            )
        }
        return try await site.runRemoteJob(task, standIn)
    }
}

/// Runs the code of a tested app, its server and its jobs on one thread, and signals when nothing is left to run.
///
/// One thread makes the order of execution the same in each run.
final class TestExecutor: TaskExecutor {
    private struct State {
        /// The number of jobs that are queued or running.
        var ready = 0
        /// Incremented whenever a job is queued.
        var generation = 0
        var idle: [CheckedContinuation<Void, Never>] = []
        var activity: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0

        mutating func takeActivity() -> [CheckedContinuation<Void, Never>] {
            generation += 1
            defer { activity = [:] }
            return Array(activity.values)
        }
    }

    private let queue = DispatchQueue(label: "dash.testing")
    private let state = Mutex(State())

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        begin()
        queue.async {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
            self.end()
        }
    }

    /// Resumes those who wait for activity, as there was some elsewhere.
    func touch() { wake(state.withLock { $0.takeActivity() }) }

    private func begin() {
        wake(
            state.withLock { state in
                state.ready += 1
                return state.takeActivity()
            }
        )
    }

    private func end() {
        wake(
            state.withLock { state in
                state.ready -= 1
                guard state.ready == 0 else { return [] }
                defer { state.idle = [] }
                return state.idle
            }
        )
    }

    private func wake(_ waiting: [CheckedContinuation<Void, Never>]) {
        for continuation in waiting { continuation.resume() }
    }

    /// Waits until nothing is left to run.
    ///
    /// - Returns: The argument for ``activity(after:)``.
    func idle() async -> Int {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.ready > 0 { state.idle.append(continuation) }
                return state.ready == 0
            }
            if isIdle { continuation.resume() }
        }
        return state.withLock { $0.generation }
    }

    /// Waits until a job has been queued since `generation`, or the task is cancelled.
    func activity(after generation: Int) async {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.generation != generation || Task.isCancelled { return true }
                    state.activity[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.activity.removeValue(forKey: number) }?.resume()
        }
    }
}
