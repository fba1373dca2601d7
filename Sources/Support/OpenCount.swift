internal import Synchronization

/// Counts open calls, until it is closed.
package final class OpenCount: Sendable {
    private let state = Mutex((count: 0, isClosed: false))
    private let changed = AsyncSignal()

    /// Creates an open count of zero.
    package init() {}

    /// Whether further calls are refused.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Begins a call.
    ///
    /// - Returns: false if closed: the call must not be made, nor ended.
    package func begin() -> Bool {
        state.withLock { state in
            if !state.isClosed { state.count += 1 }
            return !state.isClosed
        }
    }

    /// Ends a call.
    package func end() {
        state.withLock { $0.count -= 1 }
        changed.signal()
    }

    /// Refuses further calls.
    package func close() { state.withLock { $0.isClosed = true } }

    /// Waits until no call is open or the task is cancelled.
    package func emptied() async {
        while state.withLock({ $0.count > 0 }), await changed.wait() {}
    }
}
