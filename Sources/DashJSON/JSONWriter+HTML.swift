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
