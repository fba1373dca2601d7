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
