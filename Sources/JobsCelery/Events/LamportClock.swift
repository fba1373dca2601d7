import Synchronization

/// A logical clock, which brings the messages of several machines into an order.
final class LamportClock: Sendable {
    private let time: Mutex<Int>

    init(_ start: Int = 0) {
        time = Mutex(start)
    }

    var value: Int { time.withLock { $0 } }

    /// Something happens here.
    @discardableResult
    func forward() -> Int {
        time.withLock { time in
            time += 1
            return time
        }
    }

    /// A message came that was sent at a time of its sender's clock.
    @discardableResult
    func adjust(to other: Int) -> Int {
        time.withLock { time in
            time = max(time, other) + 1
            return time
        }
    }
}
