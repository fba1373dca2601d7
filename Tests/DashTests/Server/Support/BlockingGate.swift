import Foundation

/// Holds whole threads until the test opens it, as badly behaved code would.
// A condition variable is what blocks a thread; its lock guards the two values.
final class BlockingGate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = false
    private var count = 0

    /// Blocks the thread.
    func block() {
        condition.lock()
        defer { condition.unlock() }
        count += 1
        while !isOpen { condition.wait() }
    }

    /// Lets all threads go.
    func open() {
        condition.lock()
        defer { condition.unlock() }
        isOpen = true
        condition.broadcast()
    }

    /// How many threads have come here.
    var blocked: Int {
        condition.lock()
        defer { condition.unlock() }
        return count
    }
}
