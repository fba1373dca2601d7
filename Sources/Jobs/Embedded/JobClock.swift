import Support

/// The time source of a manager. Tests use one that they advance themselves.
package protocol JobClock: Sendable {
    /// The current time.
    func now() -> JobTime

    /// Waits until ``JobTime/monotonic`` reaches `deadline`.
    ///
    /// - Throws: `CancellationError` if the task is cancelled first.
    func sleep(until deadline: Duration) async throws
}

/// A time by two clocks: one for waits within a process, one for stored times.
package struct JobTime: Sendable, Hashable {
    /// The time since a fixed point. Never jumps.
    package var monotonic: Duration
    /// The time of day. Jumps when the system's clock is set.
    package var wall: WallTime

    package init(monotonic: Duration, wall: WallTime) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// A time of day as stores keep it.
package struct WallTime: Sendable, Hashable, Comparable {
    /// Milliseconds since 1 January 1970 UTC.
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: WallTime, right: WallTime) -> Bool { left.milliseconds < right.milliseconds }

    /// Adds a duration in whole milliseconds. A result out of range becomes the latest or earliest time.
    package static func + (time: WallTime, wait: Duration) -> WallTime {
        let (sum, isTooFar) = time.milliseconds.addingReportingOverflow(wait.wholeMilliseconds)
        return WallTime(milliseconds: isTooFar ? (wait < .zero ? .min : .max) : sum)
    }

    /// Subtracts a duration in whole milliseconds. A result out of range becomes the latest or earliest time.
    package static func - (time: WallTime, wait: Duration) -> WallTime {
        time + .milliseconds(-wait.wholeMilliseconds)
    }

    /// The duration between two times.
    package static func - (left: WallTime, right: WallTime) -> Duration {
        .milliseconds(left.milliseconds) - .milliseconds(right.milliseconds)
    }
}

extension Duration {
    /// The duration in whole milliseconds, rounded towards zero and limited to ±2⁶¹ (73 million years), so that a
    /// database can add it to a time.
    package var wholeMilliseconds: Int64 {
        let most: Int64 = 1 << 61
        // A longer duration has no components.
        if self >= .milliseconds(most) { return most }
        if self <= .milliseconds(-most) { return -most }
        return components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}

package struct SystemJobClock: JobClock {
    private let start = ContinuousClock.now

    package init() {}

    package func now() -> JobTime {
        JobTime(monotonic: start.duration(to: .now), wall: WallTime(milliseconds: WallClock.milliseconds()))
    }

    /// Waits for a century at most, as the system's clock would overflow.
    package func sleep(until deadline: Duration) async throws {
        let latest = start.duration(to: .now) + .seconds(100 * 365 * 86_400)
        try await Task.sleep(until: start + min(deadline, latest), tolerance: .milliseconds(1), clock: .continuous)
    }
}

/// Calls back at the next deadline. Without a deadline there is no timer.
struct DeadlineTimer: Sendable {
    private let deadlines: AsyncStream<Duration>
    private let setter: AsyncStream<Duration>.Continuation

    init() {
        (deadlines, setter) = AsyncStream.makeStream(of: Duration.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Replaces the deadline, by an earlier one.
    func set(to deadline: Duration) { setter.yield(deadline) }

    /// Ends ``run(clock:onTime:)``.
    func stop() { setter.finish() }

    /// Waits for deadlines until the timer is stopped or the task is cancelled.
    func run(clock: any JobClock, onTime: @escaping @Sendable () async -> Void) async {
        var waiting: Task<Void, Never>?
        for await deadline in deadlines {
            waiting?.cancel()
            await waiting?.value
            waiting = Task {
                // A single wait for the next deadline; an idle manager has none.
                do { try await clock.sleep(until: deadline) } catch { return }
                await onTime()
            }
        }
        waiting?.cancel()
        await waiting?.value
    }
}
