/// A number as its digits stand in a text: ±`digits` · 10^`exponent`.
struct Decimal {
    var isNegative = false
    /// All digits as one integer; wraps around if there are more than 19.
    var digits: UInt64 = 0
    /// How many digits were read, leading zeros too.
    var digitCount = 0
    var exponent = 0

    /// The digits as an integer, without regard to the exponent; nil if they may not fit.
    var integer: Int? {
        guard digitCount <= 18 else { return nil }
        return isNegative ? -Int(digits) : Int(digits)
    }

    /// The nearest double; nil if it takes more than 64 bits to find, which is rare.
    var double: Double? {
        guard digitCount <= 19, -19...0 ~= exponent else { return nil }
        let magnitude = Self.nearest(to: digits, dividedBy: -exponent)
        return isNegative ? -magnitude : magnitude
    }

    /// The double nearest to `digits` / 10^`decimals`, ties to even.
    private static func nearest(to digits: UInt64, dividedBy decimals: Int) -> Double {
        // Two exact doubles: one division rounds correctly.
        if digits < 1 << 53 { return Double(digits) / Double(powersOfTen[decimals]) }
        // Else a quotient of 63 bits or more, whose last bit also stands for everything that was cut off: what lies
        // beyond the 53rd bit then rounds to the same side as the exact value.
        let divisor = powersOfTen[decimals]
        let digitShift = digits.leadingZeroBitCount
        let divisorShift = divisor.leadingZeroBitCount
        let dividend = digits << digitShift
        let (quotient, remainder) = (divisor << divisorShift).dividingFullWidth((dividend >> 1, dividend << 63))
        let sticky = remainder == 0 ? quotient : quotient | 1
        return Double(sticky) * Double(sign: .plus, exponent: divisorShift - digitShift - 63, significand: 1)
    }
}

/// 10⁰…10¹⁹; as doubles they are exact too, having at most 44 bits above their factors of two.
private let powersOfTen: [UInt64] = {
    var powers: [UInt64] = [1]
    while powers.count < 20 { powers.append(powers[powers.count - 1] * 10) }
    return powers
}()
