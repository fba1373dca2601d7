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
        let (day, inDay) = floored(milliseconds, 86_400_000)
        let (year, month, date) = civil(day)
        let (seconds, fraction) = (inDay / 1000, inDay % 1000)
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { padded($0, 2) }.joined(separator: ":")
        let calendar = [padded(year, 4), padded(month, 2), padded(date, 2)].joined(separator: "-")
        return "\(calendar)T\(clock)\(fraction == 0 ? "" : ".\(padded(fraction, 3))000")+00:00"
    }

    /// The days since 1970-01-01 of a date of the Gregorian calendar.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        // Years begin in March, so that the leap day is the last and the months have a regular pattern.
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The date of a day since 1970-01-01: the inverse of `days`.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floored(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The quotient, rounded down, and the remainder, which is not negative.
    private static func floored(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ value: Int64, _ width: Int) -> String {
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
        return day * 86_400_000 + time - offset
    }

    private mutating func date() -> Int64? {
        guard let year = number(4), year >= 1, take("-"), let month = number(2), 1...12 ~= month, take("-"),
            let day = number(2), 1...Self.length(of: month, in: year) ~= day
        else { return nil }
        return ISO8601.days(year: year, month: month, day: day)
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

    private static func length(of month: Int64, in year: Int64) -> Int64 {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Int(month) - 1]
    }
}
