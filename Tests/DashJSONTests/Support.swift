import DashJSON

/// A deterministic generator (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension SeededGenerator {
    /// A random JSON value, nested at most `depth` deep.
    mutating func json(depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
        case 0: .null
        case 1: .bool(Bool.random(using: &self))
        case 2: .int(Int.random(in: -1000...1000, using: &self))
        case 3: .int(Int.random(in: -(1 << 53)...(1 << 53), using: &self))
        case 4: .double(double())
        case 5: .string(text())
        case 6: .array((0..<Int.random(in: 0...6, using: &self)).map { _ in json(depth: depth - 1) })
        default: .object(object(depth: depth))
        }
    }

    /// An object with up to six members.
    mutating func object(depth: Int) -> JSONObject {
        var object = JSONObject()
        for place in 0..<Int.random(in: 0...6, using: &self) {
            object["\(text())\(place)"] = json(depth: depth - 1)
        }
        return object
    }

    /// A finite double; half of them look like prices and measurements.
    mutating func double() -> Double {
        if Bool.random(using: &self) {
            return Double(Int.random(in: -10_000_000...10_000_000, using: &self)) / 1000
        }
        let double = Double(bitPattern: next())
        return double.isFinite ? double : 0.1
    }

    /// A text of ordinary and special characters.
    mutating func text() -> String {
        let scalars: [Unicode.Scalar] = [
            "a", "Z", "0", " ", "\"", "\\", "/", "\n", "\t", "\u{1}", "\u{7F}", "é", "漢", "🙂", "\u{2028}",
        ]
        var text = ""
        for _ in 0..<Int.random(in: 0...20, using: &self) {
            text.unicodeScalars.append(scalars[Int.random(in: 0..<scalars.count, using: &self)])
        }
        return text
    }
}
