/// A recursive-descent parser for one JSON value.
struct JSONParser: ~Copyable {
    let text: UnsafeBufferPointer<UInt8>
    var place = 0
    /// The member count of the last object, as records of a table are alike.
    var likelyMemberCount = 0
    private var depthLeft: Int

    /// Parses the single value in `text`.
    static func parse(_ text: UnsafeBufferPointer<UInt8>, maximumDepth: Int) throws(JSONError) -> JSON {
        if let fault = UTF8Check.firstFault(in: text) { throw .invalidUTF8(at: fault) }
        var parser = JSONParser(text: text, depthLeft: maximumDepth)
        parser.skipSpace()
        let value = try parser.value()
        parser.skipSpace()
        guard parser.place == text.count else { throw parser.unexpected("the end of the text") }
        return value
    }

    private init(text: UnsafeBufferPointer<UInt8>, depthLeft: Int) {
        self.text = text
        self.depthLeft = depthLeft
    }

    /// The current byte; 0 at the end, which is not valid in JSON and needs no extra check.
    @inline(__always)
    var current: UInt8 {
        place < text.count ? text[place] : 0
    }

    /// Parses a value at its first byte.
    mutating func value() throws(JSONError) -> JSON {
        switch current {
        case UInt8(ascii: "{"): try nested { parser throws(JSONError) in .object(try parser.object()) }
        case UInt8(ascii: "["): try nested { parser throws(JSONError) in .array(try parser.array()) }
        case UInt8(ascii: "\""): .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try word("true", .bool(true))
        case UInt8(ascii: "f"): try word("false", .bool(false))
        case UInt8(ascii: "n"): try word("null", .null)
        default: throw unexpected("a value")
        }
    }

    @inline(__always)
    mutating func skipSpace() {
        while place < text.count {
            switch text[place] {
            case 0x20, 0x0A, 0x0D, 0x09: place &+= 1
            default: return
            }
        }
    }

    @inline(__always)
    private mutating func nested(_ read: (inout JSONParser) throws(JSONError) -> JSON) throws(JSONError) -> JSON {
        guard depthLeft > 0 else { throw fault(.tooDeep, "Arrays and objects are nested too deeply here.") }
        depthLeft &-= 1
        let value = try read(&self)
        depthLeft &+= 1
        return value
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        for offset in 0..<word.utf8CodeUnitCount {
            guard current == word.utf8Start[offset] else { throw unexpected("“\(word)”") }
            place &+= 1
        }
        return value
    }
}

// MARK: - Containers

extension JSONParser {
    /// Parses an array at its bracket.
    mutating func array() throws(JSONError) -> [JSON] {
        place &+= 1
        skipSpace()
        var elements: [JSON] = []
        if current == UInt8(ascii: "]") {
            place &+= 1
            return elements
        }
        while true {
            elements.append(try value())
            skipSpace()
            switch current {
            case UInt8(ascii: ","):
                place &+= 1
                skipSpace()
            case UInt8(ascii: "]"):
                place &+= 1
                return elements
            default: throw unexpected("“,” or “]”")
            }
        }
    }

    /// Parses an object at its brace.
    mutating func object() throws(JSONError) -> JSONObject {
        place &+= 1
        skipSpace()
        if current == UInt8(ascii: "}") {
            place &+= 1
            return JSONObject()
        }
        var members: [JSONObject.Member] = []
        members.reserveCapacity(likelyMemberCount)
        while true {
            members.append((try key(), try value()))
            skipSpace()
            switch current {
            case UInt8(ascii: ","):
                place &+= 1
                skipSpace()
            case UInt8(ascii: "}"):
                place &+= 1
                likelyMemberCount = min(members.count, 32)
                return JSONObject(lastOfEachName: members)
            default: throw unexpected("“,” or “}”")
            }
        }
    }

    /// Parses a name and its colon, up to the value.
    private mutating func key() throws(JSONError) -> String {
        guard current == UInt8(ascii: "\"") else { throw unexpected("a name in quotes") }
        let key = try string()
        skipSpace()
        guard current == UInt8(ascii: ":") else { throw unexpected("“:”") }
        place &+= 1
        skipSpace()
        return key
    }
}

// MARK: - Strings

extension JSONParser {
    /// Parses a string at its opening quote.
    mutating func string() throws(JSONError) -> String {
        place &+= 1
        let start = place
        skipPlain()
        guard current != UInt8(ascii: "\"") else {
            defer { place &+= 1 }
            return piece(start..<place)
        }
        return try escapedString(from: start)
    }

    /// Skips to the next quote, backslash or control character, or to the end.
    @inline(__always)
    private mutating func skipPlain() {
        while place < text.count, !JSONWriter.needsEscape(text[place]) { place &+= 1 }
    }

    /// Parses the rest of a string with escapes, piece by piece.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var result = ""
        var pieceStart = start
        while true {
            result += piece(pieceStart..<place)
            switch current {
            case UInt8(ascii: "\""):
                place &+= 1
                return result
            case UInt8(ascii: "\\"):
                place &+= 1
                result.unicodeScalars.append(try escape())
            default:
                guard place < text.count else { throw unexpected("the closing quote of a string") }
                throw fault(.syntax, "A control character in a string must be written as an escape.")
            }
            pieceStart = place
            skipPlain()
        }
    }

    /// Decodes bytes that are known to be valid UTF-8.
    @inline(__always)
    private func piece(_ range: Range<Int>) -> String {
        String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
    }

    /// Parses the escape after a backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        let scalar: Unicode.Scalar
        switch current {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scalar = Unicode.Scalar(current)
        case UInt8(ascii: "n"): scalar = "\n"
        case UInt8(ascii: "t"): scalar = "\t"
        case UInt8(ascii: "r"): scalar = "\r"
        case UInt8(ascii: "b"): scalar = "\u{8}"
        case UInt8(ascii: "f"): scalar = "\u{C}"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw unexpected("one of \" \\ / b f n r t u after a backslash")
        }
        place &+= 1
        return scalar
    }

    /// Parses `uXXXX`, and a second one if both form a surrogate pair.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let unit = try hexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        let afterFirst = place
        if UTF16.isLeadSurrogate(unit), current == UInt8(ascii: "\\") {
            place &+= 1
            if current == UInt8(ascii: "u") {
                let second = try hexUnit()
                if UTF16.isTrailSurrogate(second) {
                    return UTF16.decode(UTF16.EncodedScalar([unit, second]))
                }
            }
        }
        // A lone surrogate, which JavaScript allows, becomes U+FFFD, as when JavaScript encodes it.
        place = afterFirst
        return "\u{FFFD}"
    }

    private mutating func hexUnit() throws(JSONError) -> UInt16 {
        place &+= 1
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(current)).hexDigitValue else {
                throw unexpected("a hexadecimal digit")
            }
            unit = unit << 4 | UInt16(digit)
            place &+= 1
        }
        return unit
    }
}

// MARK: - Numbers

extension JSONParser {
    /// Parses a number at its sign or first digit.
    mutating func number() throws(JSONError) -> JSON {
        let start = place
        var number = Decimal()
        if current == UInt8(ascii: "-") {
            number.isNegative = true
            place &+= 1
        }
        if current == UInt8(ascii: "0") {
            place &+= 1
        } else {
            try digits(into: &number)
        }
        var isInteger = true
        if current == UInt8(ascii: ".") {
            isInteger = false
            place &+= 1
            let first = place
            try digits(into: &number)
            number.exponent = first - place
        }
        if current | 0x20 == UInt8(ascii: "e") {
            isInteger = false
            number.exponent += try exponent()
        }
        if isInteger, let int = number.integer { return .int(int) }
        if !isInteger, let double = number.double { return .double(double) }
        return slowNumber(text[start..<place])
    }

    /// Parses one or more digits.
    @inline(__always)
    private mutating func digits(into number: inout Decimal) throws(JSONError) {
        let first = place
        while place < text.count {
            let digit = text[place] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            number.digits = number.digits &* 10 &+ UInt64(digit)
            place &+= 1
        }
        guard place > first else { throw unexpected("a digit") }
        number.digitCount &+= place - first
    }

    /// Parses an exponent at its "e".
    private mutating func exponent() throws(JSONError) -> Int {
        place &+= 1
        var exponent = Decimal()
        if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") {
            exponent.isNegative = current == UInt8(ascii: "-")
            place &+= 1
        }
        try digits(into: &exponent)
        // An exponent that does not fit into `Int` is handled by the slow path anyway.
        return exponent.integer ?? .max / 2
    }

    /// Converts any number with Swift's own initializers; beyond the range of `Double` it is infinity or zero.
    private func slowNumber(_ digits: Slice<UnsafeBufferPointer<UInt8>>) -> JSON {
        let text = String(decoding: digits, as: UTF8.self)
        if let int = Int(text) { return .int(int) }
        return .double(Double(text) ?? .nan)
    }
}

// MARK: - Errors

extension JSONParser {
    /// An error at the current position.
    func fault(_ code: JSONError.Code, _ message: String) -> JSONError {
        JSONError(code: code, message: message, byteOffset: place)
    }

    /// An error with the expected and the actual text at the current position.
    func unexpected(_ expected: String) -> JSONError {
        .unexpected(expected, in: text, at: place)
    }
}

extension JSONError {
    /// An error with the expected and the actual text at a position.
    static func unexpected(_ expected: String, in text: UnsafeBufferPointer<UInt8>, at place: Int) -> JSONError {
        guard place < text.count else {
            let message = "Expected \(expected), but the text ends."
            return JSONError(code: .unexpectedEnd, message: message, byteOffset: place)
        }
        let byte = text[place]
        let found = (0x21...0x7E).contains(byte) ? "“\(Unicode.Scalar(byte))”" : "the byte 0x" + String(byte, radix: 16)
        return JSONError(code: .syntax, message: "Expected \(expected), found \(found).", byteOffset: place)
    }

    static func invalidUTF8(at place: Int) -> JSONError {
        JSONError(code: .invalidUTF8, message: "The text is not valid UTF-8.", byteOffset: place)
    }
}

/// Validates UTF-8 by the table of well-formed sequences in the Unicode standard (table 3-7).
enum UTF8Check {
    /// The position of the first invalid sequence; nil if all are valid.
    static func firstFault(in text: UnsafeBufferPointer<UInt8>) -> Int? {
        var place = 0
        while true {
            place = endOfASCII(in: text, from: place)
            guard place < text.count else { return nil }
            guard let length = sequenceLength(in: text, at: place) else { return place }
            place += length
        }
    }

    /// The position of the next non-ASCII byte, or the end; checks eight bytes at a time.
    private static func endOfASCII(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
        let raw = UnsafeRawBufferPointer(text)
        var place = start
        while place &+ 8 <= raw.count {
            let word = raw.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            guard word & 0x8080_8080_8080_8080 == 0 else { break }
            place &+= 8
        }
        while place < raw.count, raw[place] < 0x80 { place &+= 1 }
        return place
    }

    /// The length of the non-ASCII sequence at `place`; nil if it is not well formed.
    private static func sequenceLength(in text: UnsafeBufferPointer<UInt8>, at place: Int) -> Int? {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch text[place] {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: length = 4
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard place + length <= text.count, second.contains(text[place + 1]) else { return nil }
        for following in text[place + 2..<place + length] where following & 0xC0 != 0x80 { return nil }
        return length
    }
}
