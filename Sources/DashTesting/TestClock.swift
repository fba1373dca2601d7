import Jobs
import Synchronization

/// A clock that stands still until the test moves it: by ``TestPage/advance(by:)``, ``TestPage/settle()`` or
/// ``TestPage/until(_:_:)``.
///
/// Callbacks and jobs wait by it with `ctx.sleep(for:)`; so do the next attempts of jobs with `retries:`, and the ticks of
/// `dcc.Interval`. Give it to code of your own that takes a clock.
public final class TestClock: Clock {
    /// A moment of the clock.
    public struct Instant: InstantProtocol {
        /// The time since the clock was made.
        public var offset: Duration

        /// A later moment, or an earlier one.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// The time from here to another moment.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Earlier is less.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// Who waits: it decides whether the test has to wait too.
    enum Sleeper: Sendable, Hashable {
        /// A callback within its request.
        case request(Int)
        /// A job.
        case job(String)
        /// The job manager, for example for the next attempt of a job.
        case manager
        /// Code of the test or of the app's own.
        case other
    }

    @TaskLocal static var sleeper = Sleeper.other

    private struct Wait {
        var sleeper: Sleeper
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Duration.zero
        var waits: [Int: Wait] = [:]
        var lastWait = 0
        var onWait: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// A clock at zero.
    public init() {}

    /// The moment it was moved to.
    public var now: Instant { Instant(offset: state.withLock { $0.now }) }

    /// The shortest time it tells apart.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Waits until the test has moved the clock there.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try await sleep(until: deadline.offset, as: Self.sleeper)
    }

    func sleep(until deadline: Duration, as sleeper: Sleeper) async throws {
        let number = state.withLock { state in
            state.lastWait += 1
            return state.lastWait
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (result, onWait) = state.withLock { state -> (Result<Void, any Error>?, (@Sendable () -> Void)?) in
                    if Task.isCancelled { return (.failure(CancellationError()), nil) }
                    if deadline <= state.now { return (.success(()), nil) }
                    state.waits[number] = Wait(sleeper: sleeper, deadline: deadline, continuation: continuation)
                    return (nil, state.onWait)
                }
                if let result { continuation.resume(with: result) }
                onWait?()
            }
        } onCancel: {
            let wait = state.withLock { $0.waits.removeValue(forKey: number) }
            wait?.continuation.resume(throwing: CancellationError())
        }
    }
}

// MARK: - Moving

extension TestClock {
    /// Whom to tell that somebody has begun to wait.
    func onWait(_ tell: @escaping @Sendable () -> Void) { state.withLock { $0.onWait = tell } }

    /// Who waits now.
    var sleepers: Set<Sleeper> { state.withLock { Set($0.waits.values.map(\.sleeper)) } }

    /// The next moment that somebody waits for.
    func nextDeadline(_ counts: (Sleeper) -> Bool = { _ in true }) -> Duration? {
        state.withLock { state in state.waits.values.filter { counts($0.sleeper) }.map(\.deadline).min() }
    }

    /// Moves the clock, never backwards, and wakes those whose time has come, the earliest first.
    func move(to time: Duration) {
        let due = state.withLock { state in
            state.now = max(state.now, time)
            let due = state.waits.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.waits[number] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value.continuation)
        }
        for continuation in due { continuation.resume() }
    }
}

/// The same clock as the job manager knows time.
struct ManagerClock: JobClock {
    /// What the time of day is at the clock's zero: the first second of 2030.
    static let begin = WallTime(milliseconds: 1_893_456_000_000)
    let clock: TestClock

    func now() -> JobTime {
        let offset = clock.now.offset
        return JobTime(monotonic: offset, wall: Self.begin + offset)
    }

    func sleep(until deadline: Duration) async throws { try await clock.sleep(until: deadline, as: .manager) }
}
