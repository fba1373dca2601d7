import NIOCore
import Synchronization

/// Whether a lease is renewed at a beat. Pure state machine: takes the loop's answers, returns what to do.
///
/// Beats are counted, not time, so that a process that was stopped does not blame its loop.
struct LeasePace: Sendable {
    enum Step: Sendable, Hashable {
        case renew
        /// As `renew`, after the lease was over.
        case recover
        /// The loop has not answered since the last renewal.
        case wait
        /// It has not answered for longer than a lease: others take the worker for dead by now.
        case lapse
    }

    private let beatsOfLease: Int
    private var unanswered = 0
    private var isLapsed = false

    init(_ terms: LivenessTerms) {
        // One more, so that the lease is over by Redis' clock too.
        beatsOfLease = Int((terms.lease / terms.renewal).rounded(.up)) + 1
    }

    /// Whether the loop answered at the last beat, so that a renewal beside the beats is right.
    var isAnswered: Bool { unanswered == 0 }

    /// - Parameter hasAnswered: Whether the loop answered since the last renewal.
    mutating func beat(hasAnswered: Bool) -> Step {
        guard !hasAnswered else {
            defer { (unanswered, isLapsed) = (0, false) }
            return isLapsed ? .recover : .renew
        }
        unanswered += 1
        guard !isLapsed, unanswered >= beatsOfLease else { return .wait }
        isLapsed = true
        return .lapse
    }
}

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
