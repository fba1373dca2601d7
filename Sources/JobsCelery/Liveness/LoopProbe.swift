import NIOCore
import Synchronization

/// Asks event loops whether they still turn.
final class LoopProbe: Sendable {
    private let loops: [any EventLoop]
    private let missing = Atomic(0)

    init(_ loops: [any EventLoop]) {
        self.loops = loops
    }

    /// Whether all loops answered the last question.
    var hasAnswered: Bool { missing.load(ordering: .acquiring) == 0 }

    /// Asks once more. The last question has to be answered.
    func ask() {
        missing.store(loops.count, ordering: .releasing)
        for loop in loops {
            loop.execute { [self] in missing.subtract(1, ordering: .acquiringAndReleasing) }
        }
    }
}
