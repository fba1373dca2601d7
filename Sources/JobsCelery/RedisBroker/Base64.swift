/// Base64 with the usual alphabet (RFC 4648 §4), as message bodies are wrapped in on Redis.
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")
    /// The value of each letter, 255 for what is none; of the URL-safe alphabet too.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    static func encode(_ bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
            var place = 0
            var index = 0
            letters.withUnsafeBufferPointer { letters in
                while index < bytes.count {
                    let left = bytes.count - index
                    let group =
                        UInt32(bytes[index]) << 16 | (left > 1 ? UInt32(bytes[index + 1]) << 8 : 0)
                        | (left > 2 ? UInt32(bytes[index + 2]) : 0)
                    text[place] = letters[Int(group >> 18)]
                    text[place + 1] = letters[Int(group >> 12 & 63)]
                    text[place + 2] = left > 1 ? letters[Int(group >> 6 & 63)] : padding
                    text[place + 3] = left > 2 ? letters[Int(group & 63)] : padding
                    place += 4
                    index += 3
                }
            }
            return place
        }
    }

    /// Reads base64; line breaks are skipped, padding may be missing.
    ///
    /// - Returns: nil for what is none.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var group: UInt32 = 0
        var bits = 0
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
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return bits == 6 ? nil : bytes
    }
}
