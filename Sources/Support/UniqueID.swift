/// A UUID.
package struct UniqueID: Hashable, Sendable, Comparable {
    private let high: UInt64
    private let low: UInt64

    /// A random id (version 4).
    package static func random() -> UniqueID {
        var random = SystemRandomNumberGenerator()
        return UniqueID(version4: random.next(), random.next())
    }

    /// An id from random bits (version 4), of which 122 are used.
    package init(version4 high: UInt64, _ low: UInt64) {
        self.init(high: high & ~0xF000 | 0x4000, low: low & ~(3 << 62) | 1 << 63)
    }

    /// An id from a time and 74 random bits (version 7): later ids sort after earlier ones.
    package static func timeOrdered(milliseconds: Int64 = WallClock.milliseconds()) -> UniqueID {
        var random = SystemRandomNumberGenerator()
        let high = UInt64(milliseconds) << 16 | 0x7000 | random.next() & 0x0FFF
        return UniqueID(high: high, low: random.next() >> 2 | 1 << 63)
    }

    /// Parses the 36 characters of a UUID, in lower or upper case; nil for other texts.
    package init?(_ text: String) {
        guard text.utf8.count == 36 else { return nil }
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        for (offset, byte) in text.utf8.enumerated() {
            if Self.isDash(offset) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Hexadecimal.value(byte) else { return nil }
            if offset < 18 { halves.high = halves.high << 4 | UInt64(digit) }
            if offset > 18 { halves.low = halves.low << 4 | UInt64(digit) }
        }
        self.init(high: halves.high, low: halves.low)
    }

    private init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The 36 characters of the UUID, in lower case.
    package var text: String {
        String(unsafeUninitializedCapacity: 36) { text in
            var digits = 0
            for offset in 0..<36 {
                if Self.isDash(offset) {
                    text[offset] = UInt8(ascii: "-")
                    continue
                }
                let half = digits < 16 ? high : low
                text[offset] = Hexadecimal.digit(UInt8(half >> UInt64(60 - 4 * (digits & 15)) & 15))
                digits += 1
            }
            return 36
        }
    }

    private static func isDash(_ offset: Int) -> Bool {
        offset == 8 || offset == 13 || offset == 18 || offset == 23
    }

    /// Orders ids like their texts.
    package static func < (left: UniqueID, right: UniqueID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
