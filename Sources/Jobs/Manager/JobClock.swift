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

    /// The time after a wait, to the millisecond.
    public static func + (time: WallTime, wait: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds + wait.wholeMilliseconds)
    }

    /// The time before a wait, to the millisecond.
    public static func - (time: WallTime, wait: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds - wait.wholeMilliseconds)
    }

    /// The time between two moments.
    public static func - (left: WallTime, right: WallTime) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded down towards zero.
    public var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
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
            wall: WallTime(milliseconds: SystemTime.millisecondsSince1970())
        )
    }

    /// Waits.
    public func sleep(until deadline: Duration) async throws {
        try await Task.sleep(until: start + deadline, tolerance: .milliseconds(1), clock: .continuous)
    }
}
