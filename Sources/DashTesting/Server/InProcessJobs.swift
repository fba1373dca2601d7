import Dash
import DashJSON
import Jobs
import Synchronization

/// Runs a site's jobs in the test's own process.
final class InProcessJobs: JobExecutor {
    private struct State {
        var running: [String: Task<WorkerOutcome, Never>] = [:]
        var isShutDown = false
    }

    let maximumConcurrency: Int
    private let site: DashSite
    private let executor: TestExecutor
    private let clock: TestClock
    private let remoteTasks: [String: TestOptions.RemoteTask]
    private let state = Mutex(State())

    init(_ site: DashSite, options: TestOptions, executor: TestExecutor) {
        self.site = site
        self.executor = executor
        clock = options.clock
        remoteTasks = options.remoteTasks
        maximumConcurrency = options.concurrentJobs
    }

    /// The jobs that are running, by the names that their waits have.
    var running: Set<TestClock.Sleeper> { Set(state.withLock { $0.running.keys.map { .job($0) } }) }

    /// Runs until the test is over, then cancels what is left.
    func run() async throws {
        for await _ in AsyncStream<Never>.makeStream().stream {}
        let left = state.withLock { state in
            state.isShutDown = true
            return Array(state.running.values)
        }
        for work in left { work.cancel() }
    }

    func execute(
        _ task: WorkerTask,
        onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        let work = Task(executorPreference: executor) {
            await TestClock.$sleeper.withValue(.job(task.id)) {
                await CallbackContext.$currentClock.withValue(self.clock) { await self.perform(task, onUpdate) }
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
        let channel = WorkerChannel(
            progress: { onUpdate(.progress($0)) },
            setProps: { onUpdate(.setProps($0)) }
        )
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
        guard let standIn = remoteTasks[remote] else {
            throw TestError(
                .callback,
                """
                The task \(remote) is run by other workers, which a test has none of. Give it a stand-in: \
                options.task("\(remote)") { arguments in … }
                """
            )
        }
        return try await site.runRemoteJob(task, standIn)
    }
}
