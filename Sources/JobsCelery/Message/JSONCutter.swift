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
        let ranges = try text.withUnsafeBufferPointer { buffer throws(JSONError) in try elementRanges(in: buffer) }
        return ranges.map { ranges in ranges.map { text[$0] } }
    }

    /// Whether the bytes of a word stand anywhere in a text.
    static func contains(_ word: StaticString, in text: [UInt8]) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return text.withUnsafeBufferPointer { text in
            guard let first = word.first, text.count >= word.count else { return false }
            return (0...(text.count - word.count)).contains { start in
                text[start] == first && word.indices.allSatisfy { text[start + $0] == word[$0] }
            }
        }
    }

    private static func elementRanges(in text: UnsafeBufferPointer<UInt8>) throws(JSONError) -> [Range<Int>]? {
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

extension JSONCutter {
    /// The texts of an object's members by name; nil if this is another value than an object.
    ///
    /// - Throws: `JSONError` if the text is no valid JSON.
    static func members(of text: [UInt8]) throws(JSONError) -> [String: ArraySlice<UInt8>]? {
        guard String(validating: text, as: UTF8.self) != nil else {
            throw JSONError(code: .invalidUTF8, message: "The text is not valid UTF-8.")
        }
        let found = try text.withUnsafeBufferPointer { buffer throws(JSONError) in try memberRanges(in: buffer) }
        guard let ranges = found else { return nil }
        var members: [String: ArraySlice<UInt8>] = [:]
        for (key, value) in ranges {
            guard let name = try JSON(parsing: Array(text[key])).stringValue else { continue }
            members[name] = text[value]
        }
        return members
    }

    private static func memberRanges(
        in text: UnsafeBufferPointer<UInt8>
    ) throws(JSONError) -> [(key: Range<Int>, value: Range<Int>)]? {
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        guard scanner.take(UInt8(ascii: "{")) else {
            try scanner.value()
            return nil
        }
        let ranges = try members(&scanner)
        scanner.skipSpace()
        guard scanner.place == text.count else { throw scanner.unexpected("the end of the text") }
        return ranges
    }

    private static func members(
        _ scanner: inout JSONScanner
    ) throws(JSONError) -> [(key: Range<Int>, value: Range<Int>)] {
        var ranges: [(key: Range<Int>, value: Range<Int>)] = []
        scanner.skipSpace()
        if scanner.take(UInt8(ascii: "}")) { return ranges }
        repeat {
            scanner.skipSpace()
            let keyStart = scanner.place
            try scanner.string()
            let key = keyStart..<scanner.place
            scanner.skipSpace()
            try scanner.expect(UInt8(ascii: ":"))
            scanner.skipSpace()
            let start = scanner.place
            try scanner.value()
            ranges.append((key, start..<scanner.place))
            scanner.skipSpace()
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        return ranges
    }
}
