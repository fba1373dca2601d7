internal import Synchronization

/// The run that a worker is busy with.
final class CurrentRun: Sendable {
    private let state = Mutex<State?>(nil)

    private struct State: Sendable {
        var run: UInt64
        var task: Task<Void, Never>
        var isCancelled = false
    }

    /// A run begins; `start` starts its work, which finds it begun.
    func begin(_ run: UInt64, start: () -> Task<Void, Never>) {
        state.withLock { $0 = State(run: run, task: start()) }
    }

    /// The run has ended.
    func end() { state.withLock { $0 = nil } }

    /// The pool does not want the run any more.
    func cancel(_ run: UInt64) {
        state.withLock { state in
            guard state?.run == run else { return }
            state?.isCancelled = true
        }
        stop(run)
    }

    /// Tells the work to stop, for a reason of our own: it is not cancelled.
    func stop(_ run: UInt64) {
        let task = state.withLock { $0?.run == run ? $0?.task : nil }
        task?.cancel()
    }

    /// Whether the pool cancelled the run.
    func isCancelled(_ run: UInt64) -> Bool {
        state.withLock { $0?.run == run && $0?.isCancelled == true }
    }
}
