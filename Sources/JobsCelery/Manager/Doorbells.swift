import Jobs
import Support
import Synchronization

/// Those of this process who wait for news of jobs.
final class Doorbells: Sendable {
    private struct State {
        var bells: [JobID: [Int: AsyncSignal]] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// Waits beside a door until it is left. What rang since the last wait is not missed.
    struct Waiter {
        fileprivate let bell: AsyncSignal

        /// Returns when the bell has rung, or the task is cancelled.
        func rung() async {
            await bell.wait()
        }
    }

    /// The jobs that somebody waits for.
    var waitedFor: [JobID] { state.withLock { Array($0.bells.keys) } }

    /// Lets somebody wait for a job's news.
    func withWaiter<Value>(for id: JobID, _ body: (Waiter) async throws -> Value) async rethrows -> Value {
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
        return try await body(Waiter(bell: bell))
    }

    /// There may be news of a job.
    func ring(_ id: JobID) {
        for bell in state.withLock({ $0.bells[id].map { Array($0.values) } ?? [] }) { bell.signal() }
    }

    /// There may be news of any job.
    func ringAll() {
        for bell in state.withLock({ $0.bells.values.flatMap(\.values) }) { bell.signal() }
    }
}
