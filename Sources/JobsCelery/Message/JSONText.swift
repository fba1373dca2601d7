import DashJSON

/// Reads JSON strings in part.
enum JSONText {
    /// The first characters (code points) of a JSON string that stands with its quotes in `text`: one more than asked
    /// for, if there are so many, so that the caller sees that there are more. The rest is not looked at.
    static func prefix(of text: Slice<UnsafeBufferPointer<UInt8>>, characters: Int) -> String {
        let inner = text.dropFirst().dropLast()
        var place = inner.startIndex
        var count = 0
        while place < inner.endIndex, count <= max(0, characters) {
            place += length(of: inner[place...])
            count += 1
        }
        let quote = [UInt8(ascii: "\"")]
        let part = quote + inner[..<min(place, inner.endIndex)] + quote
        return (try? JSON(parsing: part))?.stringValue ?? ""
    }

    /// How many bytes the first code point takes as it is written.
    private static func length(of text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        guard let first = text.first else { return 1 }
        switch first {
        case UInt8(ascii: "\\"): return escapeLength(text)
        case 0..<0x80: return 1
        case 0..<0xE0: return 2
        case 0..<0xF0: return 3
        default: return 4
        }
    }

    private static func escapeLength(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
        guard text.dropFirst().first == UInt8(ascii: "u") else { return 2 }
        // The halves of a pair belong together: \ud83d\udc0e.
        let digits = String(decoding: text.dropFirst(2).prefix(4), as: UTF8.self)
        guard let unit = UInt16(digits, radix: 16), 0xD800...0xDBFF ~= unit else { return 6 }
        return text.dropFirst(6).first == UInt8(ascii: "\\") ? 12 : 6
    }
}
