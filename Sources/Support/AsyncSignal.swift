internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Wakes tasks that wait. A signal that comes while no task waits is kept for the next one; several count as one.
package final class AsyncSignal: Sendable {
    private struct State {
        var isSignalled = false
        var isFinished = false
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var lastWaiter = 0
    }

    private let state = Mutex(State())

    /// Makes a signal that was not given yet.
    package init() {}

    /// Wakes all tasks that wait, or else the next one that does.
    package func signal() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isSignalled = state.waiters.isEmpty
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// Ends all waits, also later ones. A signal that is kept is still received once.
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
    /// - Parameter time: The longest time to wait; nil waits as long as it takes.
    /// - Returns: false when there was no signal in this time, the signal was finished, or the task is cancelled.
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
                // A timer of an event loop: cheaper than a task that sleeps.
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
