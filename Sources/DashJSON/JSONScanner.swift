/// Validates and skips JSON text without building a tree, so that large values can be cut out unparsed.
///
/// The text must be valid UTF-8, which ``read(_:_:)`` checks. The scanner is not recursive: depth uses no stack.
package struct JSONScanner: ~Copyable {
    /// The maximum nesting: more than that of `JSON(parsing:)`, as the value's wrapper counts here.
    package static let maximumDepth = 1024

    /// The text.
    package let text: UnsafeBufferPointer<UInt8>
    /// The current position, from 0 to the text's count.
    package var place = 0

    /// Creates a scanner at the start of a text.
    package init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    /// The current byte; 0 at the end, which is not valid in JSON.
    package var current: UInt8 { place < text.count ? text[place] : 0 }

    package mutating func skipSpace() {
        while place < text.count, Self.isSpace(text[place]) { place &+= 1 }
    }

    /// Consumes a byte if it is the current one.
    package mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte, place < text.count else { return false }
        place &+= 1
        return true
    }

    /// Consumes a required byte.
    package mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard take(byte) else { throw unexpected("“\(Character(UnicodeScalar(byte)))”") }
    }

    /// An error with the expected text at the current position.
    package func unexpected(_ expected: String) -> JSONError {
        .unexpected(expected, in: text, at: place)
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }
}

// MARK: Values

extension JSONScanner {
    /// Skips white space and a value.
    ///
    /// - Returns: The range of the value.
    @discardableResult
    package mutating func value() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = place
        /// The pending closing brackets, innermost last.
        var closers: [UInt8] = []
        repeat {
            if try opens(&closers) { continue }
            try close(&closers)
        } while !closers.isEmpty
        return start..<place
    }

    /// Skips a scalar or an empty container; of other containers, everything before the first value.
    ///
    /// - Returns: Whether a value of a container follows.
    private mutating func opens(_ closers: inout [UInt8]) throws(JSONError) -> Bool {
        switch current {
        case UInt8(ascii: "{"): return try opens(&closers, UInt8(ascii: "}"))
        case UInt8(ascii: "["): return try opens(&closers, UInt8(ascii: "]"))
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
        return false
    }

    private mutating func opens(_ closers: inout [UInt8], _ closer: UInt8) throws(JSONError) -> Bool {
        guard closers.count < Self.maximumDepth else {
            throw JSONError(
                code: .tooDeep,
                message: "Arrays and objects are nested too deeply here.",
                byteOffset: place
            )
        }
        place &+= 1
        skipSpace()
        if take(closer) { return false }
        closers.append(closer)
        if closer == UInt8(ascii: "}") { try key() }
        return true
    }

    /// After a value: consumes a comma, or the brackets that close here.
    private mutating func close(_ closers: inout [UInt8]) throws(JSONError) {
        while let closer = closers.last {
            skipSpace()
            if take(UInt8(ascii: ",")) {
                skipSpace()
                if closer == UInt8(ascii: "}") { try key() }
                return
            }
            guard take(closer) else { throw unexpected("“,” or “\(Character(UnicodeScalar(closer)))”") }
            closers.removeLast()
        }
    }

    /// Skips a member's name and colon, up to the value.
    ///
    /// - Returns: The range of the name with its quotes.
    @discardableResult
    package mutating func key() throws(JSONError) -> Range<Int> {
        let start = place
        guard current == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
        try string()
        let end = place
        skipSpace()
        try expect(UInt8(ascii: ":"))
        skipSpace()
        return start..<end
    }

    package mutating func string() throws(JSONError) {
        try expect(UInt8(ascii: "\""))
        while place < text.count {
            switch text[place] {
            case UInt8(ascii: "\""):
                place &+= 1
                return
            case UInt8(ascii: "\\"):
                place &+= 1
                try escape()
            case 0..<0x20: throw unexpected("an escape in place of a control character")
            default: place &+= 1
            }
        }
        throw unexpected("the closing quote of a string")
    }

    private mutating func escape() throws(JSONError) {
        switch current {
        case UInt8(ascii: "u"):
            place &+= 1
            for _ in 0..<4 {
                guard Character(Unicode.Scalar(current)).isHexDigit else { throw unexpected("a hexadecimal digit") }
                place &+= 1
            }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            place &+= 1
        default: throw unexpected("one of \" \\ / b f n r t u after a backslash")
        }
    }

    private mutating func number() throws(JSONError) {
        let isNegative = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits(isNegative ? "a digit" : "a value") }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
    }

    private mutating func digits(_ expected: String = "a digit") throws(JSONError) {
        let start = place
        while UInt8(ascii: "0")...UInt8(ascii: "9") ~= current { place &+= 1 }
        if place == start { throw unexpected(expected) }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[offset]) else { throw unexpected("“\(word)”") }
        }
    }
}

// MARK: Elements and members

extension JSONScanner {
    /// Iterates over an array after optional white space. `body` is called at each element and must consume it.
    package mutating func elements(_ body: (inout JSONScanner) throws(JSONError) -> Void) throws(JSONError) {
        skipSpace()
        try expect(UInt8(ascii: "["))
        skipSpace()
        if take(UInt8(ascii: "]")) { return }
        repeat {
            skipSpace()
            try body(&self)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw unexpected("“,” or “]”") }
    }

    /// Iterates over an object after optional white space. `body` is called at each value with the range of its name,
    /// and must consume the value.
    package mutating func members(
        _ body: (inout JSONScanner, _ name: Range<Int>) throws(JSONError) -> Void
    ) throws(JSONError) {
        skipSpace()
        try expect(UInt8(ascii: "{"))
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            let name = try key()
            try body(&self, name)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw unexpected("“,” or “}”") }
    }

    /// The ranges of an array's elements.
    package mutating func elements() throws(JSONError) -> [Range<Int>] {
        var places: [Range<Int>] = []
        try elements { scanner throws(JSONError) in places.append(try scanner.value()) }
        return places
    }

    /// The string at a scanned range; nil if it holds another value.
    package borrowing func string(at place: Range<Int>) throws(JSONError) -> String? {
        guard text[place].first == UInt8(ascii: "\"") else { return nil }
        let inner = text[place].dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        return try JSONParser.parse(UnsafeBufferPointer(rebasing: text[place]), maximumDepth: 0).stringValue
    }

    /// The first characters (code points) of the string at a range, plus one if there are more, so that the caller can
    /// detect truncation. The rest is not decoded.
    package borrowing func prefix(ofStringAt place: Range<Int>, characters: Int) throws(JSONError) -> String {
        let end = place.upperBound - 1
        var scanner = JSONScanner(text)
        scanner.place = place.lowerBound + 1
        var count = 0
        while scanner.place < end, count <= max(0, characters) {
            scanner.skipCharacter()
            count += 1
        }
        let quote = [UInt8(ascii: "\"")]
        let part = quote + text[(place.lowerBound + 1)..<min(scanner.place, end)] + quote
        return try JSON(parsing: part).stringValue ?? ""
    }

    /// Skips one code point of a string.
    private mutating func skipCharacter() {
        switch current {
        case UInt8(ascii: "\\"): skipEscape()
        case 0..<0x80: place &+= 1
        case 0..<0xE0: place &+= 2
        case 0..<0xF0: place &+= 3
        default: place &+= 4
        }
    }

    private mutating func skipEscape() {
        guard place + 5 < text.count, text[place + 1] == UInt8(ascii: "u") else { return place &+= 2 }
        let digits = String(decoding: text[(place + 2)..<(place + 6)], as: UTF8.self)
        place &+= 6
        // A surrogate pair is one code point: \ud83d\udc0e.
        guard let unit = UInt16(digits, radix: 16), UTF16.isLeadSurrogate(unit) else { return }
        if current == UInt8(ascii: "\\") { place &+= 6 }
    }
}

// MARK: Whole texts

extension JSONScanner {
    /// Scans a text with one value, which `read` consumes, and optional white space around it.
    ///
    /// - Throws: `JSONError` if the text is not valid UTF-8 or has trailing text, and errors of `read`.
    package static func read<Result>(
        _ text: ArraySlice<UInt8>,
        _ read: (inout JSONScanner) throws(JSONError) -> Result
    ) throws(JSONError) -> Result {
        try text.withUnsafeBufferPointer { buffer throws(JSONError) in
            if let fault = UTF8Check.firstFault(in: buffer) { throw .invalidUTF8(at: fault) }
            var scanner = JSONScanner(buffer)
            scanner.skipSpace()
            let result = try read(&scanner)
            scanner.skipSpace()
            guard scanner.place == buffer.count else { throw scanner.unexpected("the end of the text") }
            return result
        }
    }

    /// The texts of an array's elements; nil if the text is not an array.
    ///
    /// - Throws: `JSONError` if the text is not valid JSON.
    package static func elements(of text: ArraySlice<UInt8>) throws(JSONError) -> [ArraySlice<UInt8>]? {
        let places = try read(text) { scanner throws(JSONError) -> [Range<Int>]? in
            if scanner.current == UInt8(ascii: "[") { return try scanner.elements() }
            try scanner.value()
            return nil
        }
        return places.map { places in places.map { text.cut($0) } }
    }

    /// The names of an object's members and the texts of their values, in order; nil if the text is not an object.
    ///
    /// - Throws: `JSONError` if the text is not valid JSON.
    package static func members(
        of text: ArraySlice<UInt8>
    ) throws(JSONError) -> [(name: String, value: ArraySlice<UInt8>)]? {
        try read(text) { scanner throws(JSONError) in
            guard scanner.current == UInt8(ascii: "{") else {
                try scanner.value()
                return nil
            }
            var members: [(name: String, value: ArraySlice<UInt8>)] = []
            try scanner.members { scanner, place throws(JSONError) in
                let name = try scanner.string(at: place) ?? ""
                members.append((name, text.cut(try scanner.value())))
            }
            return members
        }
    }

    /// The texts of an object's values by name, where the last of several with one name wins; nil if the text is not an
    /// object.
    ///
    /// - Throws: `JSONError` if the text is not valid JSON.
    package static func membersByName(of text: ArraySlice<UInt8>) throws(JSONError) -> [String: ArraySlice<UInt8>]? {
        try members(of: text).map { members in
            Dictionary(members.map { ($0.name, $0.value) }) { _, last in last }
        }
    }
}

extension ArraySlice {
    /// The part at a range relative to the start of this slice.
    fileprivate func cut(_ place: Range<Int>) -> ArraySlice {
        self[(startIndex + place.lowerBound)..<(startIndex + place.upperBound)]
    }
}
