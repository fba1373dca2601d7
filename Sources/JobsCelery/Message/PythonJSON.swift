import DashJSON

/// JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`, which no other reader knows.
enum PythonJSON {
    /// Parses a text; what is no number reads as null.
    static func parse(_ text: [UInt8]) throws(JSONError) -> JSON {
        try JSON(parsing: strict(text))
    }

    /// The text with null in the place of Python's own words. Nearly always the text as it is.
    static func strict(_ text: [UInt8]) -> [UInt8] {
        guard text.contains("NaN") || text.contains("Infinity") else { return text }
        return replaced(text)
    }

    private static func replaced(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var place = 0
        var inString = false
        while place < text.count {
            let byte = text[place]
            if !inString, firstBytes.contains(byte), let word = words.first(where: { text[place...].starts(with: $0) })
            {
                result += Array("null".utf8)
                place += word.count
                continue
            }
            if byte == UInt8(ascii: "\"") { inString.toggle() }
            result.append(byte)
            place += 1
            if inString, byte == UInt8(ascii: "\\"), place < text.count {
                result.append(text[place])
                place += 1
            }
        }
        return result
    }

    private static let words = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }
    private static let firstBytes = Set("NI-".utf8)
}

extension [UInt8] {
    /// Whether the bytes of a word stand anywhere here.
    func contains(_ word: StaticString) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return withUnsafeBufferPointer { text in
            guard let first = word.first, text.count >= word.count else { return false }
            return (0...(text.count - word.count)).contains { start in
                text[start] == first && word.indices.allSatisfy { text[start + $0] == word[$0] }
            }
        }
    }
}
