/// The current time of day, without Foundation.
package enum WallClock {
    /// Milliseconds since 1 January 1970 UTC.
    package static func milliseconds() -> Int64 {
        let time = now()
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Seconds since 1 January 1970 UTC.
    package static func seconds() -> Double {
        let time = now()
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }

    private static func now() -> timespec {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return time
    }
}
