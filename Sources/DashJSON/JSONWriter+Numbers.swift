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
        if let int = Int(exactly: value), int.magnitude < 1 << 53, int != 0 || value.sign == .plus {
            return self.int(int)
        }
        // Swift writes the shortest digits, and its exponents ("1e-07", "1e+21") are valid JSON.
        var text = value.description
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    /// Writes a number as `double` does, but with the shortest digits that read back as the same `Float`.
    public mutating func float(_ value: Float) {
        guard value.isFinite else { return null() }
        if let int = Int(exactly: value), int.magnitude < 1 << 24, int != 0 || value.sign == .plus {
            return self.int(int)
        }
        var text = value.description
        text.withUTF8 { bytes.append(contentsOf: $0) }
    }

    /// Writes decimal digits.
    mutating func digits(of value: UInt64) {
        if value < 10 { return byte(UInt8(truncatingIfNeeded: value) &+ 48) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { buffer in
            var rest = value
            var start = buffer.count
            while rest > 0 {
                let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
                start &-= 1
                buffer[start] = UInt8(truncatingIfNeeded: digit) &+ 48
                rest = quotient
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }
}
