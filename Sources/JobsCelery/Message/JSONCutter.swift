import DashJSON

/// Cuts a JSON array into the texts of its elements, so that a large one passes through without being parsed to a tree.
enum JSONCutter {
    /// The texts of the elements; nil if this is another value than an array.
    ///
    /// - Throws: `JSONError` if the text is no valid JSON.
    static func elements(of text: [UInt8]) throws(JSONError) -> [ArraySlice<UInt8>]? {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw JSONError(code: .invalidUTF8, message: "The text is not valid UTF-8.")
        }
        let ranges = try text.withUnsafeBufferPointer { buffer throws(JSONError) in try ranges(in: buffer) }
        return ranges.map { ranges in ranges.map { text[$0] } }
    }

    /// Whether the bytes of a word stand anywhere in a text.
    static func contains(_ word: StaticString, in text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            word.withUTF8Buffer { word in
                guard let first = word.first, text.count >= word.count else { return false }
                return (0...(text.count - word.count)).contains { start in
                    text[start] == first && word.indices.allSatisfy { text[start + $0] == word[$0] }
                }
            }
        }
    }

    private static func ranges(in text: UnsafeBufferPointer<UInt8>) throws(JSONError) -> [Range<Int>]? {
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        guard scanner.current == UInt8(ascii: "[") else {
            try scanner.value()
            return nil
        }
        scanner.place += 1
        let ranges = try elements(&scanner)
        scanner.skipSpace()
        guard scanner.place == text.count else { throw scanner.unexpected("the end of the text") }
        return ranges
    }

    private static func elements(_ scanner: inout JSONScanner) throws(JSONError) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        scanner.skipSpace()
        if scanner.take(UInt8(ascii: "]")) { return ranges }
        repeat {
            scanner.skipSpace()
            let start = scanner.place
            try scanner.value()
            ranges.append(start..<scanner.place)
            scanner.skipSpace()
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "]"))
        return ranges
    }
}
