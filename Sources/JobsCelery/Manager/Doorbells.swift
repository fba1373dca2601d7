import Jobs
import Synchronization

/// Those of this process who wait for news of jobs.
final class Doorbells: Sendable {
    private struct State {
        var bells: [JobID: [Int: AsyncStream<Void>.Continuation]] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    /// Waits beside a door until it is left. What rang since the last wait is not missed.
    struct Waiter {
        let rings: AsyncStream<Void>

        /// Returns when the bell has rung, or the task is cancelled.
        func rung() async {
            _ = await rings.first { _ in true }
        }
    }

    /// The jobs that somebody waits for.
    var waitedFor: [JobID] { state.withLock { Array($0.bells.keys) } }

    /// Lets somebody wait for a job's news.
    func withWaiter<Value>(for id: JobID, _ body: (Waiter) async throws -> Value) async rethrows -> Value {
        let (rings, bell) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
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
        return try await body(Waiter(rings: rings))
    }

    /// There may be news of a job.
    func ring(_ id: JobID) {
        for bell in state.withLock({ $0.bells[id].map { Array($0.values) } ?? [] }) { bell.yield() }
    }

    /// There may be news of any job.
    func ringAll() {
        for bell in state.withLock({ $0.bells.values.flatMap(\.values) }) { bell.yield() }
    }
}
