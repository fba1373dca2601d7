/// Hexadecimal digits in lower case.
package enum Hexadecimal {
    /// Two digits for each byte.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }, as: UTF8.self)
    }

    /// The ASCII code of the digit for 0 to 15.
    package static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") - 10 + value
    }

    /// The value of a digit in lower or upper case; nil for other characters.
    package static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Base64 (RFC 4648).
package enum Base64 {
    /// The characters for 62 and 63, and whether the text is padded.
    package enum Alphabet {
        /// `+` and `/`, padded with `=`.
        case standard
        /// `-` and `_`, without padding, for URLs.
        case urlSafe
    }

    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafeLetters = Array(letters.prefix(62)) + Array("-_".utf8)
    private static let padding = UInt8(ascii: "=")
    /// The value of each letter of both alphabets, 255 for other characters.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for letters in [letters, urlSafeLetters] {
            for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        }
        return values
    }()

    package static func encode(_ bytes: [UInt8], _ alphabet: Alphabet = .standard) -> String {
        let letters = alphabet == .standard ? letters : urlSafeLetters
        let length = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: length) { text in
            letters.withUnsafeBufferPointer { letters in
                for (place, index) in zip(stride(from: 0, to: length, by: 4), stride(from: 0, to: bytes.count, by: 3)) {
                    let left = bytes.count - index
                    let group =
                        UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                        | (left > 2 ? UInt32(bytes[index + 2]) : 0)
                    text[place] = letters[Int(group >> 18)]
                    text[place + 1] = letters[Int(group >> 12 & 63)]
                    text[place + 2] = left > 1 ? letters[Int(group >> 6 & 63)] : padding
                    text[place + 3] = left > 2 ? letters[Int(group & 63)] : padding
                }
            }
            return alphabet == .standard ? length : (bytes.count * 4 + 2) / 3
        }
    }

    /// Random text in the URL-safe alphabet from bytes of the system's secure generator.
    package static func random(byteCount: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        return encode((0..<byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }, .urlSafe)
    }

    /// Decodes a text in either alphabet; line breaks are skipped, padding is optional.
    ///
    /// - Returns: The bytes; nil if the text is not Base64.
    package static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        var hasEnded = false
        for letter in text.utf8 {
            if letter == padding {
                hasEnded = true
                continue
            }
            if letter == 10 || letter == 13 { continue }
            let value = values[Int(letter)]
            guard value != 255, !hasEnded else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return bits == 6 ? nil : bytes
    }
}

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

    /// Decodes the bytes of a text. A percent sign without two hexadecimal digits is kept as it is.
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

    /// Escapes all characters except ASCII letters, digits and `-._~`.
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
