import NIOCore
import NIOPosix
import Synchronization

/// Wakes those who wait. A ring that nobody hears is kept for the next who comes; several count as one.
final class Bell: Sendable {
    private struct State {
        var hasRung = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func ring() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            state.hasRung = state.waiters.isEmpty
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits for a ring, for the end of the time or of the task.
    func wait(atMost time: Duration? = nil) async {
        let alarm = time.map { time in
            MultiThreadedEventLoopGroup.singleton.next().scheduleTask(in: TimeAmount(time)) { self.ring() }
        }
        defer { alarm?.cancel() }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = state.withLock { state in
                    guard !state.hasRung, !Task.isCancelled else {
                        state.hasRung = false
                        return true
                    }
                    state.waiters.append(waiter)
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            ring()
        }
    }
}
