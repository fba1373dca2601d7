/// Builds JSON text, straight from typed values to bytes.
///
/// The small steps (`byte`, `raw`) leave commas and brackets to the caller; `array(of:)` and `object` care for them.
public struct JSONWriter: ~Copyable {
    // Own memory rather than an array: an array would ask at each byte whether it is shared.
    @usableFromInline var memory: UnsafeMutableBufferPointer<UInt8>
    @usableFromInline var count = 0
    /// The first error of a value that could not be written and stands as `null`; nil while all went well.
    public private(set) var failure: (any Error)?

    /// Makes an empty writer with room for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 256) {
        memory = capacity > 0 ? .allocate(capacity: capacity) : UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        memory.deallocate()
    }

    /// A copy of what is written so far, in UTF-8.
    public var bytes: [UInt8] {
        Array(memory[..<count])
    }

    /// Writes one byte of JSON syntax as it is.
    @inlinable
    public mutating func byte(_ byte: UInt8) {
        if count == memory.count { grow(by: 1) }
        memory[count] = byte
        count &+= 1
    }

    /// Writes text as it is, without quotes and escapes: `raw(#"{"id":"#)`.
    @inlinable
    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes bytes that are JSON already as they are.
    @inlinable
    public mutating func raw(bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        if memory.count &- count < bytes.count { grow(by: bytes.count) }
        memory.baseAddress?.advanced(by: count).initialize(from: source, count: bytes.count)
        count &+= bytes.count
    }

    /// Writes `null`.
    @inlinable
    public mutating func null() {
        raw("null")
    }

    /// Writes `null` for a value that cannot be written, and keeps the first such error as ``failure``.
    public mutating func fail(_ error: any Error) {
        failure = failure ?? error
        null()
    }

    /// Writes `true` or `false`.
    @inlinable
    public mutating func bool(_ value: Bool) {
        raw(value ? "true" : "false")
    }

    /// Makes room for `more` bytes, and for as many again as there are so that growing stays rare.
    @usableFromInline
    @inline(never)
    mutating func grow(by more: Int) {
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(64, 2 * memory.count, count + more))
        _ = larger.moveInitialize(fromContentsOf: memory[..<count])
        memory.deallocate()
        memory = larger
    }
}

// MARK: - Structure

extension JSONWriter {
    /// Writes an array of the elements, with brackets and commas.
    @inlinable
    public mutating func array(of elements: some Sequence<some JSONEncodable>) {
        byte(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if isFirst { isFirst = false } else { byte(UInt8(ascii: ",")) }
            element.encode(to: &self)
        }
        byte(UInt8(ascii: "]"))
    }

    /// Writes an object of the members that `body` writes, with braces and commas.
    ///
    /// - Throws: what `body` throws; the text is then of no use.
    public mutating func object<Failure: Error>(
        _ body: (inout ObjectWriter) throws(Failure) -> Void
    ) throws(Failure) {
        byte(UInt8(ascii: "{"))
        // This writer moves into the members' one and back, so nothing is copied.
        var members = ObjectWriter(self)
        do {
            try body(&members)
        } catch {
            self = members.finish()
            throw error
        }
        self = members.finish()
        byte(UInt8(ascii: "}"))
    }
}

/// Writes the members of one object; see `JSONWriter.object`.
public struct ObjectWriter: ~Copyable {
    private var writer: JSONWriter
    private var isFirst = true

    init(_ writer: consuming JSONWriter) {
        self.writer = writer
    }

    consuming func finish() -> JSONWriter {
        writer
    }

    /// Writes a member. Nothing looks whether there is one of this name already.
    public mutating func member(_ key: String, _ value: some JSONEncodable) {
        self.key(key)
        value.encode(to: &writer)
    }

    /// Writes a member unless the value is nil.
    public mutating func member(_ key: String, ifPresent value: (some JSONEncodable)?) {
        if let value { member(key, value) }
    }

    /// Writes a member whose value, exactly one, `body` writes.
    ///
    /// - Throws: what `body` throws.
    public mutating func member<Failure: Error>(
        _ key: String,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.key(key)
        try body(&writer)
    }

    private mutating func key(_ key: String) {
        if isFirst { isFirst = false } else { writer.byte(UInt8(ascii: ",")) }
        writer.string(key)
        writer.byte(UInt8(ascii: ":"))
    }
}

// MARK: - Strings

extension JSONWriter {
    /// Writes a text in quotes, escaping quotes, backslashes and control characters; other characters stay as they are.
    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(utf8: $0) }
    }

    /// Writes valid UTF-8 in quotes, escaped.
    mutating func string(utf8 text: UnsafeBufferPointer<UInt8>) {
        byte(UInt8(ascii: "\""))
        var copied = 0
        for place in text.indices where Self.needsEscape(text[place]) {
            raw(bytes: UnsafeBufferPointer(rebasing: text[copied..<place]))
            escape(text[place])
            copied = place &+ 1
        }
        raw(bytes: UnsafeBufferPointer(rebasing: text[copied...]))
        byte(UInt8(ascii: "\""))
    }

    /// Whether a byte of a text cannot stand in a JSON string as it is.
    @inline(__always)
    static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw(#"\""#)
        case UInt8(ascii: "\\"): raw(#"\\"#)
        case UInt8(ascii: "\n"): raw(#"\n"#)
        case UInt8(ascii: "\r"): raw(#"\r"#)
        case UInt8(ascii: "\t"): raw(#"\t"#)
        default: unicodeEscape(byte)
        }
    }

    /// Writes the escape of an ASCII character by its number.
    mutating func unicodeEscape(_ byte: UInt8) {
        raw(#"\u00"#)
        self.byte(Self.hexDigit(byte >> 4))
        self.byte(Self.hexDigit(byte & 15))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

// MARK: - Numbers

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

// MARK: - Html

extension JSONWriter {
    /// Writes JSON text with every `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`.
    ///
    /// These occur only within JSON strings, where the escape means the same.
    mutating func raw(escapingHTML text: UnsafeBufferPointer<UInt8>) {
        var copied = 0
        for place in text.indices where Self.mayNeedHTMLEscape(text[place]) {
            guard let length = Self.lengthToEscape(text, at: place) else { continue }
            raw(bytes: UnsafeBufferPointer(rebasing: text[copied..<place]))
            if length == 1 {
                unicodeEscape(text[place])
            } else {
                raw(text[place + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#)
            }
            copied = place + length
        }
        raw(bytes: UnsafeBufferPointer(rebasing: text[copied...]))
    }

    @inline(__always)
    private static func mayNeedHTMLEscape(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "&"), 0xE2: true
        default: false
        }
    }

    /// How many bytes the character at `place` has if it is to be escaped.
    ///
    /// U+2028 and U+2029 are E2 80 A8 and E2 80 A9: old JavaScript takes them for line ends within a string.
    private static func lengthToEscape(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        guard text[place] == 0xE2 else { return 1 }
        guard place + 2 < text.count, text[place + 1] == 0x80, text[place + 2] & 0xFE == 0xA8 else { return nil }
        return 3
    }
}

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
