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

/// Counts open calls, so that a stopping manager closes its connections after the last one.
final class OpenCalls: Sendable {
    private struct State {
        var isClosed = false
        var count = 0
        var emptied: CheckedContinuation<Void, Never>?

        /// The waiter of `empty()`, if the last call has returned.
        mutating func takeEmptied() -> CheckedContinuation<Void, Never>? {
            guard isClosed, count == 0 else { return nil }
            defer { emptied = nil }
            return emptied
        }
    }

    private let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Runs a call that keeps the connections open.
    ///
    /// - Throws: `JobsError.stopped` if closed.
    func during<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return state.isClosed
        }
        if isClosed { throw JobsError(.stopped, "The job manager has stopped.") }
        defer { leave() }
        return try await body()
    }

    private func leave() {
        let emptied = state.withLock { state in
            state.count -= 1
            return state.takeEmptied()
        }
        emptied?.resume()
    }

    /// Refuses further calls.
    func close() {
        state.withLock { $0.isClosed = true }
    }

    /// Waits until the last call has returned.
    func empty() async {
        await withCheckedContinuation { continuation in
            let emptied = state.withLock { state in
                state.emptied = continuation
                return state.takeEmptied()
            }
            emptied?.resume()
        }
    }
}
