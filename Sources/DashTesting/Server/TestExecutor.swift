import Dispatch
import Synchronization

/// Runs the code of a tested app, its server and its jobs on one thread, in the order in which it becomes ready, and tells
/// when there is nothing left to run.
///
/// One thread, so that a test sees the same order each time.
final class TestExecutor: TaskExecutor {
    private struct State {
        /// What is to be run or running.
        var ready = 0
        /// Rises whenever something became ready.
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

    /// Tells those who wait for activity that there was some elsewhere.
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

    /// Waits until there is nothing left to run.
    ///
    /// - Returns: what ``activity(after:)`` is to be asked with.
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

    /// Waits until something has become ready since; returns when the task is cancelled too.
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
