package import NIOCore
internal import Synchronization

/// A value, or an error instead, that tasks wait for. It is kept until it is replaced or cleared.
package final class AsyncLatch<Value: Sendable>: Sendable {
    private struct State {
        var outcome: Result<Value, any Error>?
        var waiters: [Int: CheckedContinuation<Value, any Error>] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    /// Creates a latch without a value.
    package init() {}

    /// The current value; nil if there is none, or an error.
    package var current: Value? {
        state.withLock { try? $0.outcome?.get() }
    }

    /// Sets the value or the error, and resumes all waiters.
    package func settle(_ outcome: Result<Value, any Error>) {
        let waiters = state.withLock { state in
            state.outcome = outcome
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(with: outcome) }
    }

    /// Removes the value or the error: tasks wait again.
    package func clear() {
        state.withLock { $0.outcome = nil }
    }

    /// Removes the value if it meets a condition.
    package func clear(if isOutdated: (Value) -> Bool) {
        state.withLock { state in
            if case .success(let value)? = state.outcome, isOutdated(value) { state.outcome = nil }
        }
    }

    /// Waits for the value.
    ///
    /// - Throws: The error that was set, or `CancellationError` if the task is cancelled first.
    package func wait() async throws -> Value {
        let number = newNumber()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { waiter in
                // The cancellation handler may have run already.
                if enter(waiter, number), Task.isCancelled { leave(number, CancellationError()) }
            }
        } onCancel: {
            leave(number, CancellationError())
        }
    }

    /// Waits for the value up to a timeout. Cancellation of the task has no effect.
    ///
    /// - Parameters:
    ///   - time: The timeout.
    ///   - loop: The event loop for the timer.
    ///   - late: The error to throw after the timeout.
    /// - Throws: The error that was set, or `late`.
    package func wait(
        for time: TimeAmount,
        on loop: any EventLoop,
        late: @escaping @Sendable () -> any Error
    ) async throws -> Value {
        let number = newNumber()
        return try await withCheckedThrowingContinuation { waiter in
            guard enter(waiter, number) else { return }
            loop.scheduleTask(in: time) { [self] in leave(number, late()) }
        }
    }

    private func newNumber() -> Int {
        state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
    }

    /// - Returns: Whether the task has to wait.
    private func enter(_ waiter: CheckedContinuation<Value, any Error>, _ number: Int) -> Bool {
        let outcome = state.withLock { state in
            if state.outcome == nil { state.waiters[number] = waiter }
            return state.outcome
        }
        if let outcome { waiter.resume(with: outcome) }
        return outcome == nil
    }

    private func leave(_ number: Int, _ error: any Error) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(throwing: error)
    }
}

extension AsyncLatch<Void> {
    package func open() { settle(.success(())) }

    /// Waits until the latch is open, it has failed, or the task is cancelled.
    package func passed() async { try? await wait() }
}
