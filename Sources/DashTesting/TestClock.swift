import Jobs
import Synchronization

/// A clock that only the test moves: with ``TestPage/advance(by:)``, ``TestPage/settle()`` or ``TestPage/until(_:_:)``.
///
/// Used by `ctx.sleep(for:)` in callbacks and jobs, the delays of `retries:` and the ticks of `dcc.Interval`. Pass it
/// to your own code that takes a clock.
public final class TestClock: Clock {
    /// An instant of the clock.
    public struct Instant: InstantProtocol {
        /// The time since the clock was created.
        public var offset: Duration

        /// An instant at a distance from this one.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// The time from this instant to another.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Whether the first instant is earlier.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// The owner of a wait, which determines whether the test has to wait too.
    enum Sleeper: Sendable, Hashable {
        /// A callback in a request.
        case request(Int)
        /// A job.
        case job(String)
        /// The job manager, for example before the next attempt of a job.
        case manager
        /// Other code of the test or the app.
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

    /// The current instant.
    public var now: Instant { Instant(offset: state.withLock { $0.now }) }

    /// The clock's resolution.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Waits until the test has moved the clock to the deadline.
    ///
    /// - Throws: `CancellationError` if the task is cancelled first.
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
    /// Sets the handler to call when a wait starts.
    func onWait(_ handler: @escaping @Sendable () -> Void) { state.withLock { $0.onWait = handler } }

    /// The owners of current waits.
    var sleepers: Set<Sleeper> { state.withLock { Set($0.waits.values.map(\.sleeper)) } }

    /// The earliest deadline of a wait.
    func nextDeadline(_ counts: (Sleeper) -> Bool = { _ in true }) -> Duration? {
        state.withLock { state in state.waits.values.filter { counts($0.sleeper) }.map(\.deadline).min() }
    }

    /// Moves the clock, never backwards, and resumes the waits that are due, the earliest first.
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

struct ManagerClock: JobClock {
    /// The wall time at the clock's zero: the first second of 2030.
    static let begin = WallTime(milliseconds: 1_893_456_000_000)
    let clock: TestClock

    func now() -> JobTime {
        let offset = clock.now.offset
        return JobTime(monotonic: offset, wall: Self.begin + offset)
    }

    func sleep(until deadline: Duration) async throws { try await clock.sleep(until: deadline, as: .manager) }
}
