extension JSONWriter {
    /// Writes an integer's digits.
    public mutating func int(_ value: Int) {
        if value < 0 { byte(UInt8(ascii: "-")) }
        digits(of: UInt64(value.magnitude))
    }

    /// Writes the fewest digits that read back as the same number; `null` for NaN and the infinities.
    ///
    /// Numbers without fraction below 2⁵³ are written as integers, as JavaScript does.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        if value.magnitude < 0x1p53, Double(Int(value)) == value, value != 0 || value.sign == .plus {
            return int(Int(value))
        }
        if shortDecimal(value) { return }
        // Swift writes the shortest digits, and its exponents ("1e-07", "1e+21") are valid JSON.
        var text = value.description
        text.withUTF8 { raw(bytes: $0) }
    }

    /// Writes a number as `double` does, but with the shortest digits that read back as the same `Float`.
    public mutating func float(_ value: Float) {
        guard value.isFinite else { return null() }
        if value.magnitude < 0x1p24, Float(Int(value)) == value, value != 0 || value.sign == .plus {
            return int(Int(value))
        }
        var text = value.description
        text.withUTF8 { raw(bytes: $0) }
    }

    /// Writes decimal digits.
    mutating func digits(of value: UInt64) {
        let end = 20
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: end) { buffer in
            let start = Self.fill(buffer, end: end, with: value, atLeast: 1)
            raw(bytes: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }

    /// Writes a number of up to six decimals and fifteen digits in all, which most measured values and prices are.
    ///
    /// So many digits are never shared by two numbers, so they are the shortest if they read back as `value`.
    ///
    /// - Returns: false if the number has more digits; then nothing is written.
    private mutating func shortDecimal(_ value: Double) -> Bool {
        guard value.magnitude < 9e8 else { return false }
        let nearest = Int(value.magnitude * 1e6 + 0.5)
        guard nearest > 0, Double(nearest) / 1e6 == value.magnitude else { return false }
        var digits = UInt64(nearest)
        var decimals = 6
        while decimals > 1, digits.isMultiple(of: 10) {
            digits /= 10
            decimals &-= 1
        }
        if value < 0 { byte(UInt8(ascii: "-")) }
        let end = 20
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: end) { buffer in
            let start = Self.fill(buffer, end: end, with: digits, atLeast: decimals + 1)
            raw(bytes: UnsafeBufferPointer(rebasing: buffer[start..<end - decimals]))
            byte(UInt8(ascii: "."))
            raw(bytes: UnsafeBufferPointer(rebasing: buffer[(end - decimals)...]))
        }
        return true
    }

    /// Puts the digits of `value` right before `end`, with leading zeros up to `least` digits.
    ///
    /// - Returns: where they start.
    @inline(__always)
    private static func fill(
        _ buffer: UnsafeMutableBufferPointer<UInt8>,
        end: Int,
        with value: UInt64,
        atLeast least: Int
    ) -> Int {
        var rest = value
        var start = end
        while rest > 0 || end &- start < least {
            start &-= 1
            buffer[start] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
            rest /= 10
        }
        return start
    }
}
