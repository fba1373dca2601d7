extension JSONParser {
    /// Reads a number; the place is at its sign or first digit.
    mutating func number() throws(JSONError) -> JSON {
        let start = place
        var scan = NumberScan()
        if current == UInt8(ascii: "-") {
            scan.isNegative = true
            place &+= 1
        }
        if current == UInt8(ascii: "0") {
            place &+= 1
        } else {
            try digits(into: &scan)
        }
        if current == UInt8(ascii: ".") {
            place &+= 1
            let firstOfFraction = place
            try digits(into: &scan)
            scan.fractionDigits = place - firstOfFraction
        }
        if current | 0x20 == UInt8(ascii: "e") {
            try exponent()
            scan.hasExponent = true
        }
        return scan.value ?? slowNumber(text[start..<place])
    }

    /// Reads one digit or more.
    private mutating func digits(into scan: inout NumberScan) throws(JSONError) {
        let first = place
        while true {
            let digit = current &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            scan.digits = scan.digits &* 10 &+ UInt64(digit)
            place &+= 1
        }
        guard place > first else { throw unexpected("a digit") }
        scan.digitCount &+= place - first
    }

    private mutating func exponent() throws(JSONError) {
        place &+= 1
        if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { place &+= 1 }
        var ignored = NumberScan()
        try digits(into: &ignored)
    }

    /// Any number, by Swift's own conversions; beyond `Double` it gives an infinity.
    private func slowNumber(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> JSON {
        let text = String(decoding: digits, as: UTF8.self)
        if let int = Int(text) { return .int(int) }
        return .double(Double(text) ?? .nan)
    }
}

/// What is seen of a number, to convert the common ones without a text.
private struct NumberScan {
    var isNegative = false
    /// All digits before the exponent, read as one integer; wraps around if there are more than 19.
    var digits: UInt64 = 0
    var digitCount = 0
    var fractionDigits = 0
    var hasExponent = false

    /// The number if it is exact this way; nil leaves it to the slow way.
    var value: JSON? {
        if hasExponent { return nil }
        if fractionDigits == 0 {
            return digitCount <= 18 ? .int(isNegative ? -Int(digits) : Int(digits)) : nil
        }
        // Both operands are exact doubles up to 2⁵³ and 10²², so one division rounds correctly.
        guard digitCount <= 15, fractionDigits <= 22 else { return nil }
        let magnitude = Double(digits) / powersOfTen[fractionDigits]
        return .double(isNegative ? -magnitude : magnitude)
    }
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
]
