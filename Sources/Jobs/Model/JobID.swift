/// The identity of one job: a UUID of version 7, so that later ids sort after earlier ones.
///
/// Ids are unguessable but not secret: what a browser gets is a signed handle, never a bare id.
public struct JobID: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A fresh id, made from the time in milliseconds and 74 random bits.
    public static var new: JobID {
        var random = SystemRandomNumberGenerator()
        let milliseconds = UInt64(SystemTime.millisecondsSince1970())
        let high = (milliseconds << 16) | 0x7000 | (random.next() & 0x0FFF)
        let low = (random.next() >> 2) | (1 << 63)
        return JobID(high: high, low: low)
    }

    /// Reads the text form of any UUID, in lower or upper case.
    ///
    /// - Parameter text: 36 characters, as `0192f3c4-…`. Anything else gives nil.
    public init?(_ text: String) {
        var digits: [UInt8] = []
        digits.reserveCapacity(32)
        for (offset, byte) in text.utf8.enumerated() {
            if offset == 8 || offset == 13 || offset == 18 || offset == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                guard let value = Character(UnicodeScalar(byte)).hexDigitValue else { return nil }
                digits.append(UInt8(value))
            }
        }
        guard digits.count == 32 else { return nil }
        high = digits[..<16].reduce(0) { $0 << 4 | UInt64($1) }
        low = digits[16...].reduce(0) { $0 << 4 | UInt64($1) }
    }

    /// The 36 characters of the UUID, in lower case.
    public var text: String {
        let hexadecimal = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for (index, half) in [high, low].enumerated() {
                for digit in 0..<16 {
                    let place = index * 16 + digit
                    if place == 8 || place == 12 || place == 16 || place == 20 {
                        buffer[position] = UInt8(ascii: "-")
                        position += 1
                    }
                    buffer[position] = hexadecimal[Int(half >> UInt64(60 - 4 * digit) & 0xF)]
                    position += 1
                }
            }
            return position
        }
    }
}

extension JobID: CustomStringConvertible, Comparable {
    /// The same as ``text``.
    public var description: String { text }

    /// The order of the ids' texts, which is the order in which they were made, to the millisecond.
    public static func < (left: JobID, right: JobID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
