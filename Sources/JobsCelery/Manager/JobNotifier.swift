import Jobs
import Support
import Synchronization

/// Wakes the waiters of this process when their jobs change.
final class JobNotifier: Sendable {
    private struct State {
        var bells: [JobID: [Int: AsyncSignal]] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// The jobs with waiters.
    var waitedFor: [JobID] { state.withLock { Array($0.bells.keys) } }

    /// Passes to `body` a signal that a job may have changed, which does not miss changes between two waits.
    func withWaiter<Value>(for id: JobID, _ body: (AsyncSignal) async throws -> Value) async rethrows -> Value {
        let bell = AsyncSignal()
        let number = state.withLock { state in
            state.lastNumber += 1
            state.bells[id, default: [:]][state.lastNumber] = bell
            return state.lastNumber
        }
        defer {
            state.withLock { state in
                state.bells[id]?[number] = nil
                if state.bells[id]?.isEmpty == true { state.bells[id] = nil }
            }
        }
        return try await body(bell)
    }

    /// Wakes the waiters of a job.
    func ring(_ id: JobID) {
        for bell in state.withLock({ $0.bells[id].map { Array($0.values) } ?? [] }) { bell.signal() }
    }

    /// Wakes all waiters.
    func ringAll() {
        for bell in state.withLock({ $0.bells.values.flatMap(\.values) }) { bell.signal() }
    }
}
