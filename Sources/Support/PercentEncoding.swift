/// Percent escapes of URLs (RFC 3986, section 2.1).
package enum PercentEncoding {
    /// Decodes a text.
    ///
    /// - Returns: nil if a percent sign is not followed by two hexadecimal digits.
    package static func bytes(of text: some StringProtocol) -> [UInt8]? {
        var isWhole = true
        let bytes = decode(text.utf8) { isWhole = false }
        return isWhole ? bytes : nil
    }

    /// Decodes the bytes of a text. A percent sign that is not followed by two hexadecimal digits stands for itself.
    package static func lenientBytes(of text: some Collection<UInt8>) -> [UInt8] { decode(text) {} }

    private static func decode(_ text: some Collection<UInt8>, malformed: () -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let second = rest.dropFirst().first
            if let high = rest.first.flatMap(Hexadecimal.value), let low = second.flatMap(Hexadecimal.value) {
                bytes.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                malformed()
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// A text in which all but letters, digits and `-._~` of ASCII is escaped.
    package static func text(of text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += "%\(Hexadecimal.text([byte]).uppercased())".utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
