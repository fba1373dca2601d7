import Synchronization

/// Counts consumers while they run, for who waits until the last has ended.
final class RunningConsumers: Sendable {
    private struct State {
        var count = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func begin() {
        state.withLock { $0.count += 1 }
    }

    func end() {
        takeWaiter { state in
            state.count -= 1
            return state.count == 0
        }
    }

    /// Waits until none runs, or the task is cancelled. One may wait.
    func ended() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let mustWait = state.withLock { state in
                    let mustWait = state.count > 0 && !Task.isCancelled
                    if mustWait { state.waiter = waiter }
                    return mustWait
                }
                if !mustWait { waiter.resume() }
            }
        } onCancel: {
            takeWaiter { _ in true }
        }
    }

    private func takeWaiter(if isDue: (inout State) -> Bool) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard isDue(&state) else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}
