import NIOCore
import Synchronization

/// Something that is there, or not yet: who wants it waits for it, for a time.
final class Moment<Value: Sendable>: Sendable {
    private struct State {
        var outcome: Result<Value, any Error>?
        var waiters: [Int: CheckedContinuation<Value, any Error>] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    /// What is there now.
    var current: Value? {
        state.withLock { try? $0.outcome?.get() }
    }

    /// It is there, or it is known not to come; all who wait are told.
    func settle(_ outcome: Result<Value, any Error>) {
        let waiters = state.withLock { state in
            state.outcome = outcome
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(with: outcome) }
    }

    /// It is not there any more.
    func clear() {
        state.withLock { $0.outcome = nil }
    }

    /// It is not there any more, if it still is this one.
    func clear(if isIt: (Value) -> Bool) {
        state.withLock { state in
            if case .success(let value)? = state.outcome, isIt(value) { state.outcome = nil }
        }
    }

    /// Waits for it.
    ///
    /// - Parameter late: The error when it did not come in time.
    func wait(
        for time: TimeAmount,
        on loop: any EventLoop,
        late: @escaping @Sendable () -> any Error
    ) async throws
        -> Value
    {
        try await withCheckedThrowingContinuation { waiter in
            let (outcome, number) = state.withLock { state in
                state.lastWaiter += 1
                if state.outcome == nil { state.waiters[state.lastWaiter] = waiter }
                return (state.outcome, state.lastWaiter)
            }
            if let outcome { return waiter.resume(with: outcome) }
            loop.scheduleTask(in: time) { [self] in
                state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(throwing: late())
            }
        }
    }
}
