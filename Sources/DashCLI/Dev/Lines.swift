import Synchronization

/// Lines that another thread collects.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    /// Adds one.
    func add(_ line: String) { lines.withLock { $0.append(line) } }

    /// All until now, in order.
    var all: [String] { lines.withLock { $0 } }
}
