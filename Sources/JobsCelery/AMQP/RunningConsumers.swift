import Support
import Synchronization

/// Counts consumers while they run.
final class RunningConsumers: Sendable {
    private let count = Mutex(0)
    private let changed = AsyncSignal()

    func begin() {
        count.withLock { $0 += 1 }
    }

    func end() {
        count.withLock { $0 -= 1 }
        changed.signal()
    }

    /// Waits until none runs, or the task is cancelled. One task may wait.
    func ended() async {
        while count.withLock({ $0 > 0 }), await changed.wait() {}
    }
}
