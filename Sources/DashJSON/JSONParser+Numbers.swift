extension JSONParser {
    /// Reads a number; the place is at its sign or first digit.
    mutating func number() throws(JSONError) -> JSON {
        let start = place
        var number = Decimal()
        if current == UInt8(ascii: "-") {
            number.isNegative = true
            place &+= 1
        }
        if current == UInt8(ascii: "0") {
            place &+= 1
        } else {
            try digits(into: &number)
        }
        var isInteger = true
        if current == UInt8(ascii: ".") {
            isInteger = false
            place &+= 1
            let first = place
            try digits(into: &number)
            number.exponent = first - place
        }
        if current | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            number.exponent += try exponent()
        }
        if isInteger, let int = number.integer { return .int(int) }
        if !isInteger, let double = number.double { return .double(double) }
        return slowNumber(text[start..<place])
    }

    /// Reads one digit or more.
    @inline(__always)
    private mutating func digits(into number: inout Decimal) throws(JSONError) {
        let first = place
        while place < text.count {
            let digit = text[place] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            number.digits = number.digits &* 10 &+ UInt64(digit)
            place &+= 1
        }
        guard place > first else { throw unexpected("a digit") }
        number.digitCount &+= place - first
    }

    /// Reads an exponent; the place is at its "e".
    private mutating func exponent() throws(JSONError) -> Int {
        place &+= 1
        var exponent = Decimal()
        if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") {
            exponent.isNegative = current == UInt8(ascii: "-")
            place &+= 1
        }
        try digits(into: &exponent)
        // One too long to be an `Int` is beyond what is read the fast way, whatever its digits.
        return exponent.integer ?? .max / 2
    }

    /// Any number, by Swift's own conversions; beyond `Double` it gives an infinity or zero.
    private func slowNumber(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> JSON {
        let text = String(decoding: digits, as: UTF8.self)
        if let int = Int(text) { return .int(int) }
        return .double(Double(text) ?? .nan)
    }
}
