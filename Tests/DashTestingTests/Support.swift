import Synchronization

/// Notes what happens, in order.
final class Recorder: Sendable {
    private let notes = Mutex<[String]>([])

    /// Notes one thing.
    func note(_ text: String) { notes.withLock { $0.append(text) } }

    /// Everything that was noted.
    var all: [String] { notes.withLock { $0 } }

    /// What was noted since it was last asked.
    func take() -> [String] {
        notes.withLock { notes in
            defer { notes = [] }
            return notes
        }
    }
}

/// An error of an app.
struct DiskIsFull: Error, CustomStringConvertible {
    var attempt = 1
    var description: String { "the disk was full at click \(attempt)" }
}
