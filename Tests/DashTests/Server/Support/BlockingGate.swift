import Foundation

/// Blocks threads until the test opens it.
// An NSCondition blocks the thread; its lock guards the two values.
final class BlockingGate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isOpen = false
    private var count = 0

    func block() {
        condition.lock()
        defer { condition.unlock() }
        count += 1
        while !isOpen { condition.wait() }
    }

    /// Unblocks all threads.
    func open() {
        condition.lock()
        defer { condition.unlock() }
        isOpen = true
        condition.broadcast()
    }

    /// The number of threads that have called `block()`.
    var blocked: Int {
        condition.lock()
        defer { condition.unlock() }
        return count
    }
}
