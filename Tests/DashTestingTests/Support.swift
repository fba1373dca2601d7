import Synchronization

/// Records events in order.
final class Recorder: Sendable {
    private let notes = Mutex<[String]>([])

    func note(_ text: String) { notes.withLock { $0.append(text) } }

    /// All events.
    var all: [String] { notes.withLock { $0 } }

    /// The events since the last call.
    func take() -> [String] {
        notes.withLock { notes in
            defer { notes = [] }
            return notes
        }
    }
}

/// An app's error.
struct DiskIsFull: Error, CustomStringConvertible {
    var attempt = 1
    var description: String { "the disk was full at click \(attempt)" }
}
