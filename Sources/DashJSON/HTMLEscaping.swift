/// Makes JSON text safe to stand in an HTML page.
enum HTMLEscaping {
    /// The text with every `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`.
    ///
    /// These occur only within JSON strings, where the escape means the same.
    static func escaped(_ bytes: [UInt8]) -> [UInt8] {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(bytes.count + bytes.count / 8)
        var place = 0
        while place < bytes.count {
            let byte = bytes[place]
            switch byte {
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "/"), UInt8(ascii: "&"):
                escaped.append(contentsOf: "\\u00".utf8)
                escaped.append(JSONWriter.hexDigit(byte >> 4))
                escaped.append(JSONWriter.hexDigit(byte & 15))
            case 0xE2 where isLineSeparator(bytes, at: place):
                escaped.append(contentsOf: bytes[place + 2] == 0xA8 ? "\\u2028".utf8 : "\\u2029".utf8)
                place += 2
            default:
                escaped.append(byte)
            }
            place += 1
        }
        return escaped
    }

    /// U+2028 and U+2029 are E2 80 A8 and E2 80 A9: old JavaScript takes them for line ends within a string.
    private static func isLineSeparator(_ bytes: [UInt8], at place: Int) -> Bool {
        place + 2 < bytes.count && bytes[place + 1] == 0x80 && bytes[place + 2] & 0xFE == 0xA8
    }
}
