import Jobs
import Synchronization

@testable import Dash

/// Runs a site's jobs in this process, like a worker.
final class InProcessExecutor: JobExecutor {
    private struct State {
        var running: [String: Task<WorkerOutcome, Never>] = [:]
        var outcomes: [String: WorkerOutcome] = [:]
        var isShutDown = false
    }

    let maximumConcurrency: Int
    private let worker: JobWorker
    private let state = Mutex(State())

    init(_ site: DashSite, maximumConcurrency: Int = 8) {
        worker = JobWorker(site: site)
        self.maximumConcurrency = maximumConcurrency
    }

    /// Sets the outcome of jobs with a name; they do not run.
    func end(_ name: String, with outcome: WorkerOutcome) {
        state.withLock { $0.outcomes[name] = outcome }
    }

    /// Runs until the manager stops, then cancels the remaining jobs.
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
        let work = Task { await self.perform(task, onUpdate) }
        state.withLock { $0.running[task.id] = work }
        onUpdate(.started(worker: 1))
        let outcome = await work.value
        _ = state.withLock { $0.running.removeValue(forKey: task.id) }
        return outcome
    }

    func cancel(_ taskID: String) {
        state.withLock { $0.running[taskID] }?.cancel()
    }

    private func perform(
        _ task: WorkerTask,
        _ onUpdate: @escaping @Sendable (WorkerUpdate) -> Void
    ) async -> WorkerOutcome {
        let decided = state.withLock { $0.isShutDown ? .shutDown : $0.outcomes[task.name] }
        if let decided { return decided }
        let channel = WorkerChannel(
            progress: { onUpdate(.progress($0)) },
            setProps: { onUpdate(.setProps($0)) }
        )
        do {
            return .succeeded(try await worker.run(task, channel))
        } catch is CancellationError {
            return state.withLock { $0.isShutDown } ? .shutDown : .cancelled(killed: false)
        } catch {
            return .failed(WorkerFailure(kind: .error, code: "\(type(of: error))", message: "\(error)"))
        }
    }
}
