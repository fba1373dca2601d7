import Support

/// Tells the time and waits for it; a test brings one that it moves by hand.
public protocol JobClock: Sendable {
    /// The present moment.
    func now() -> JobTime

    /// Waits until ``JobTime/monotonic`` reaches `deadline`.
    ///
    /// - Throws: `CancellationError` if the task is cancelled before.
    func sleep(until deadline: Duration) async throws
}

/// A moment, by two clocks: one for waits within a process, one for what is stored.
public struct JobTime: Sendable, Hashable {
    /// Time since some fixed point; never jumps.
    public var monotonic: Duration
    /// The time of day; may jump when somebody sets the clock.
    public var wall: WallTime

    /// Makes a moment.
    public init(monotonic: Duration, wall: WallTime) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// A time of day as stores keep it.
public struct WallTime: Sendable, Hashable, Comparable {
    /// Milliseconds since 1 January 1970 UTC.
    public var milliseconds: Int64

    /// Makes a time from milliseconds since 1 January 1970 UTC.
    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    /// Earlier is less.
    public static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }

    /// The time after a wait, to the millisecond; a time too far away is the last there is.
    public static func + (time: WallTime, wait: Duration) -> WallTime {
        let (sum, isTooFar) = time.milliseconds.addingReportingOverflow(wait.wholeMilliseconds)
        return WallTime(milliseconds: isTooFar ? (wait < .zero ? .min : .max) : sum)
    }

    /// The time before a wait, to the millisecond; a time too far away is the first there is.
    public static func - (time: WallTime, wait: Duration) -> WallTime {
        let (difference, isTooFar) = time.milliseconds.subtractingReportingOverflow(wait.wholeMilliseconds)
        return WallTime(milliseconds: isTooFar ? (wait < .zero ? .max : .min) : difference)
    }

    /// The time between two moments.
    public static func - (left: WallTime, right: WallTime) -> Duration {
        .milliseconds(left.milliseconds) - .milliseconds(right.milliseconds)
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded down towards zero.
    ///
    /// More than 2⁶¹ (73 million years) is 2⁶¹, on both sides of zero: a database can then still add a time to it.
    public var wholeMilliseconds: Int64 {
        let most: Int64 = 1 << 61
        // Before the components are asked for, which a longer duration does not have.
        if self >= .milliseconds(most) { return most }
        if self <= .milliseconds(-most) { return -most }
        return components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

/// The clocks of the system.
public struct SystemJobClock: JobClock {
    private let start = ContinuousClock.now

    /// Makes a clock.
    public init() {}

    /// The present moment.
    public func now() -> JobTime {
        JobTime(
            monotonic: start.duration(to: .now),
            wall: WallTime(milliseconds: WallClock.milliseconds())
        )
    }

    /// Waits, a century at most, as the system cannot count longer waits.
    public func sleep(until deadline: Duration) async throws {
        let latest = start.duration(to: .now) + .seconds(100 * 365 * 86_400)
        try await Task.sleep(until: start + min(deadline, latest), tolerance: .milliseconds(1), clock: .continuous)
    }
}

/// Calls back when the next deadline has come. Nothing runs and no timer is set while there is no deadline.
struct DeadlineTimer: Sendable {
    private let deadlines: AsyncStream<Duration>
    private let setter: AsyncStream<Duration>.Continuation

    init() {
        (deadlines, setter) = AsyncStream.makeStream(of: Duration.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Sets the alarm to a time that is earlier than the one it was set to.
    func set(to deadline: Duration) {
        setter.yield(deadline)
    }

    /// Ends ``run(clock:onTime:)``.
    func stop() {
        setter.finish()
    }

    /// Waits for deadlines until the alarm is stopped or the task is cancelled.
    func run(clock: any JobClock, onTime: @escaping @Sendable () async -> Void) async {
        var waiting: Task<Void, Never>?
        for await deadline in deadlines {
            waiting?.cancel()
            await waiting?.value
            waiting = Task {
                // One wait for the one next deadline; an idle manager has none.
                do { try await clock.sleep(until: deadline) } catch { return }
                await onTime()
            }
        }
        waiting?.cancel()
        await waiting?.value
    }
}
