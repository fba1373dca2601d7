internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Wakes waiting tasks. A signal without a waiter is kept for the next one; several signals count as one.
package final class AsyncSignal: Sendable {
    private struct State {
        var isSignalled = false
        var isFinished = false
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    /// Creates a signal that is not set.
    package init() {}

    /// Wakes all waiters, or else the next one.
    package func signal() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isSignalled = state.waiters.isEmpty
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// Ends current and future waits. A kept signal is still received once.
    package func finish() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isFinished = true
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: false) }
    }

    /// Waits for a signal.
    ///
    /// - Parameter time: The timeout; nil waits indefinitely.
    /// - Returns: false if the timeout passed, the signal was finished, or the task is cancelled.
    @discardableResult
    package func wait(atMost time: Duration? = nil) async -> Bool {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        var timer: Scheduled<Void>?
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                guard enter(waiter, number), let time else { return }
                // An event loop timer is cheaper than a sleeping task.
                let loop = MultiThreadedEventLoopGroup.singleton.next()
                timer = loop.scheduleTask(in: TimeAmount(time)) { [self] in leave(number) }
            }
        } onCancel: {
            leave(number)
        }
    }

    /// - Returns: Whether the task has to wait.
    private func enter(_ waiter: CheckedContinuation<Bool, Never>, _ number: Int) -> Bool {
        let result: Bool? = state.withLock { state in
            if Task.isCancelled { return false }
            if state.isSignalled {
                state.isSignalled = false
                return true
            }
            if state.isFinished { return false }
            state.waiters[number] = waiter
            return nil
        }
        if let result { waiter.resume(returning: result) }
        return result == nil
    }

    private func leave(_ number: Int) {
        state.withLock { $0.waiters.removeValue(forKey: number) }?.resume(returning: false)
    }
}
