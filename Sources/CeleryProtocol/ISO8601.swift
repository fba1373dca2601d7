import Support

/// Times in the format of Python's `isoformat()`.
package enum ISO8601 {
    /// Parses a time such as `2026-01-02T03:04:05.678901+02:00`; returns milliseconds since 1970, or nil if it is
    /// invalid.
    ///
    /// The offset may be `Z`, `+02`, `+0200` or missing (UTC); the seconds or the whole time of day may be missing.
    static func milliseconds(_ text: String) -> Int64? {
        var reader = ISO8601Reader(text)
        return reader.milliseconds()
    }

    /// Formats a time in UTC: `2026-01-02T03:04:05.678000+00:00`, without the fraction if it is 0.
    package static func text(_ milliseconds: Int64) -> String {
        let fraction = Int32((milliseconds % 1000 + 1000) % 1000)
        var (seconds, time) = (time_t((milliseconds - Int64(fraction)) / 1000), tm())
        gmtime_r(&seconds, &time)
        let calendar = [padded(time.tm_year + 1900, 4), padded(time.tm_mon + 1, 2), padded(time.tm_mday, 2)]
        let clock = [time.tm_hour, time.tm_min, time.tm_sec].map { padded($0, 2) }.joined(separator: ":")
        let decimals = fraction == 0 ? "" : ".\(padded(fraction, 3))000"
        return "\(calendar.joined(separator: "-"))T\(clock)\(decimals)+00:00"
    }

    private static func padded(_ value: Int32, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

private struct ISO8601Reader {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    mutating func milliseconds() -> Int64? {
        guard let day = date() else { return nil }
        var time: Int64 = 0
        var offset: Int64 = 0
        if !rest.isEmpty {
            guard take("T") || take("t") || take(" "), let clock = clock(), let zone = zone() else { return nil }
            (time, offset) = (clock, zone)
        }
        guard rest.isEmpty else { return nil }
        return day + time - offset
    }

    /// The beginning of a day.
    private mutating func date() -> Int64? {
        guard let year = number(4), year >= 1, take("-"), let month = number(2), 1...12 ~= month, take("-"),
            let day = number(2), day >= 1
        else { return nil }
        var time = tm()
        (time.tm_year, time.tm_mon, time.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
        let seconds = timegm(&time)
        // A day that the month does not have becomes one of the next.
        return time.tm_mday == day ? Int64(seconds) * 1000 : nil
    }

    private mutating func clock() -> Int64? {
        guard let hour = number(2), hour < 24, take(":"), let minute = number(2), minute < 60 else { return nil }
        var milliseconds = (hour * 60 + minute) * 60_000
        guard take(":") else { return milliseconds }
        guard let second = number(2), second < 60 else { return nil }
        milliseconds += second * 1000
        if take(".") || take(",") {
            let digits = rest.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
            guard !digits.isEmpty else { return nil }
            rest = rest.dropFirst(digits.count)
            let first = digits.prefix(3).reduce(0 as Int64) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
            milliseconds += first * [100, 10, 1][min(digits.count, 3) - 1]
        }
        return milliseconds
    }

    private mutating func zone() -> Int64? {
        if rest.isEmpty || take("Z") || take("z") { return 0 }
        let sign: Int64 = take("-") ? -1 : 1
        guard sign < 0 || take("+"), let hours = number(2), hours < 24 else { return nil }
        if rest.isEmpty { return sign * hours * 3_600_000 }
        _ = take(":")
        guard let minutes = number(2), minutes < 60 else { return nil }
        return sign * (hours * 60 + minutes) * 60_000
    }

    private mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) else {
            return nil
        }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let first = rest.first, UInt32(first) == character.value else { return false }
        rest = rest.dropFirst()
        return true
    }
}
