/// Writes typed values directly as JSON text.
///
/// With `byte` and `raw` the caller writes commas and brackets; `array(of:)` and `object` write them.
public struct JSONWriter: ~Copyable {
    // Manually managed memory, as an array checks for uniqueness at each byte.
    @usableFromInline var memory: UnsafeMutableBufferPointer<UInt8>
    @usableFromInline var count = 0
    /// The first error of a value that could not be encoded and was written as `null`; nil if there was none.
    public private(set) var failure: (any Error)?

    /// Creates an empty writer with space for `capacity` bytes; it grows as needed.
    public init(capacity: Int = 256) {
        memory = capacity > 0 ? .allocate(capacity: capacity) : UnsafeMutableBufferPointer(start: nil, count: 0)
    }

    deinit {
        memory.deallocate()
    }

    /// A copy of the written text in UTF-8.
    public var bytes: [UInt8] {
        Array(memory[..<count])
    }

    /// Writes one byte of JSON syntax.
    @inlinable
    public mutating func byte(_ byte: UInt8) {
        if count == memory.count { grow(by: 1) }
        memory[count] = byte
        count &+= 1
    }

    /// Writes text verbatim, without quotes and escapes: `raw(#"{"id":"#)`.
    @inlinable
    public mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { raw(bytes: $0) }
    }

    /// Writes JSON bytes verbatim.
    @inlinable
    public mutating func raw(bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes JSON bytes verbatim.
    @inlinable
    public mutating func raw(bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBufferPointer { raw(bytes: $0) }
    }

    /// Writes JSON bytes verbatim.
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

    /// Writes `null` for a value that cannot be encoded, and keeps the first such error as ``failure``.
    public mutating func fail(_ error: any Error) {
        failure = failure ?? error
        null()
    }

    /// Writes `true` or `false`.
    @inlinable
    public mutating func bool(_ value: Bool) {
        raw(value ? "true" : "false")
    }

    /// Adds space for `more` bytes, at least doubling the capacity.
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

    /// Writes an array with brackets and commas; `write` writes one value for each element.
    package mutating func array<Element>(
        of elements: some Sequence<Element>,
        _ write: (Element, inout JSONWriter) -> Void
    ) {
        byte(UInt8(ascii: "["))
        var isFirst = true
        for element in elements {
            if isFirst { isFirst = false } else { byte(UInt8(ascii: ",")) }
            write(element, &self)
        }
        byte(UInt8(ascii: "]"))
    }

    /// Writes an object of the members that `body` writes, with braces and commas.
    ///
    /// - Throws: Errors of `body`; the text is then incomplete.
    public mutating func object<Failure: Error>(_ body: (inout ObjectWriter) throws(Failure) -> Void) throws(Failure) {
        byte(UInt8(ascii: "{"))
        // The writer moves into `members` and back, without a copy.
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

    /// Writes a member, without checking for repeated names.
    public mutating func member(_ key: String, _ value: some JSONEncodable) {
        self.key(key)
        value.encode(to: &writer)
    }

    /// Writes a member unless the value is nil.
    public mutating func member(_ key: String, ifPresent value: (some JSONEncodable)?) {
        if let value { member(key, value) }
    }

    /// Writes a member whose value `body` writes: exactly one value.
    ///
    /// - Throws: Errors of `body`.
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
    /// Writes a string in quotes; quotes, backslashes and control characters are escaped.
    public mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { string(utf8: $0) }
    }

    /// Writes valid UTF-8 as a string.
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

    /// Whether a byte must be escaped in a JSON string.
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

    /// Writes the numeric escape of an ASCII character.
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

    /// Writes the shortest digits that parse as the same number; `null` for NaN and infinities.
    ///
    /// Integral numbers below 2⁵³ are written as integers, as in JavaScript.
    public mutating func double(_ value: Double) {
        guard value.isFinite else { return null() }
        if value.magnitude < 0x1p53, Double(Int(value)) == value, value != 0 || value.sign == .plus {
            return int(Int(value))
        }
        if shortDecimal(value) { return }
        // Swift's description has the shortest digits, and its exponents ("1e-07", "1e+21") are valid JSON.
        var text = value.description
        text.withUTF8 { raw(bytes: $0) }
    }

    /// Writes a number like `double`, with the shortest digits that parse as the same `Float`.
    public mutating func float(_ value: Float) {
        guard value.isFinite else { return null() }
        if value.magnitude < 0x1p24, Float(Int(value)) == value, value != 0 || value.sign == .plus {
            return int(Int(value))
        }
        var text = value.description
        text.withUTF8 { raw(bytes: $0) }
    }

    mutating func digits(of value: UInt64) {
        let end = 20
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: end) { buffer in
            let start = Self.fill(buffer, end: end, with: value, atLeast: 1)
            raw(bytes: UnsafeBufferPointer(rebasing: buffer[start...]))
        }
    }

    /// Writes a number with up to six decimals and fifteen digits in total, as most measured values and prices have.
    ///
    /// Numbers with this few digits are distinct, so these digits are the shortest if they parse as `value`.
    ///
    /// - Returns: false if the number has more digits; nothing is written then.
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

    /// Writes the digits of `value` directly before `end`, with leading zeros up to `least` digits.
    ///
    /// - Returns: The start of the digits.
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

// MARK: - HTML

extension JSONWriter {
    /// Writes JSON text with `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`.
    ///
    /// These characters occur only in JSON strings, where the escape is equivalent.
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

    /// The length in bytes of the character at `place` if it must be escaped.
    ///
    /// U+2028 and U+2029 are E2 80 A8 and E2 80 A9: old JavaScript treats them as line ends in strings.
    private static func lengthToEscape(_ text: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        guard text[place] == 0xE2 else { return 1 }
        guard place + 2 < text.count, text[place + 1] == 0x80, text[place + 2] & 0xFE == 0xA8 else { return nil }
        return 3
    }
}

/// A parsed number: ±`digits` · 10^`exponent`.
struct Decimal {
    var isNegative = false
    /// All digits as one integer; overflows if there are more than 19.
    var digits: UInt64 = 0
    /// The number of digits, including leading zeros.
    var digitCount = 0
    var exponent = 0

    /// The digits as an integer, ignoring the exponent; nil if they may not fit.
    var integer: Int? {
        guard digitCount <= 18 else { return nil }
        return isNegative ? -Int(digits) : Int(digits)
    }

    /// The nearest double; nil in the rare cases that need more than 64 bits.
    var double: Double? {
        guard digitCount <= 19, -19...0 ~= exponent else { return nil }
        let magnitude = Self.nearest(to: digits, dividedBy: -exponent)
        return isNegative ? -magnitude : magnitude
    }

    /// The double nearest to `digits` / 10^`decimals`, ties to even.
    private static func nearest(to digits: UInt64, dividedBy decimals: Int) -> Double {
        // Both are exact as doubles, so one division rounds correctly.
        if digits < 1 << 53 { return Double(digits) / Double(powersOfTen[decimals]) }
        // Otherwise a quotient of at least 63 bits, whose last bit also represents the remainder: beyond the 53rd bit
        // it rounds like the exact value.
        let divisor = powersOfTen[decimals]
        let digitShift = digits.leadingZeroBitCount
        let divisorShift = divisor.leadingZeroBitCount
        let dividend = digits << digitShift
        let (quotient, remainder) = (divisor << divisorShift).dividingFullWidth((dividend >> 1, dividend << 63))
        let sticky = remainder == 0 ? quotient : quotient | 1
        return Double(sticky) * Double(sign: .plus, exponent: divisorShift - digitShift - 63, significand: 1)
    }
}

/// 10⁰…10¹⁹; also exact as doubles, as they have at most 44 significant bits.
private let powersOfTen: [UInt64] = {
    var powers: [UInt64] = [1]
    while powers.count < 20 { powers.append(powers[powers.count - 1] * 10) }
    return powers
}()
