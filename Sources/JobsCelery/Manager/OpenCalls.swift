import Jobs
import Synchronization

/// Counts the calls under way, so that a manager that stops ends its connections after the last one.
final class OpenCalls: Sendable {
    struct State {
        var isClosed = false
        var count = 0
        var emptied: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Does something that the end of the connections waits for.
    ///
    /// - Throws: `JobsError.stopped` when no calls are taken any more.
    func during<Value>(_ body: () async throws -> Value) async throws -> Value {
        let isClosed = state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return state.isClosed
        }
        if isClosed { throw JobsError(.stopped, "The manager of jobs has stopped.") }
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

    /// Takes no calls any more.
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

extension OpenCalls.State {
    /// Who waits for the last call to return, if it has.
    fileprivate mutating func takeEmptied() -> CheckedContinuation<Void, Never>? {
        guard isClosed, count == 0 else { return nil }
        defer { emptied = nil }
        return emptied
    }
}
