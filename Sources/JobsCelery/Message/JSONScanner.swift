import DashJSON

/// Walks over JSON text and checks its grammar without making values of it. The text's UTF-8 is not checked.
struct JSONScanner: ~Copyable {
    /// How deep arrays and objects may be nested, as in `JSON(parsing:)`.
    static let maximumDepth = 512

    let text: UnsafeBufferPointer<UInt8>
    var place = 0
    private var depthLeft = Self.maximumDepth

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
    }

    /// The byte at the place, 0 at the end: no valid JSON has a 0 byte.
    var current: UInt8 { place < text.count ? text[place] : 0 }

    mutating func skipSpace() {
        while place < text.count {
            switch text[place] {
            case 0x20, 0x0A, 0x0D, 0x09: place += 1
            default: return
            }
        }
    }

    /// Takes a byte if it is the current one.
    mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte, place < text.count else { return false }
        place += 1
        return true
    }

    /// Takes a byte that must come.
    mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard take(byte) else { throw unexpected("“\(Character(UnicodeScalar(byte)))”") }
    }

    /// Walks over one value; the place is at its first byte before and behind its last after.
    mutating func value() throws(JSONError) {
        switch current {
        case UInt8(ascii: "{"): try nested(isObject: true)
        case UInt8(ascii: "["): try nested(isObject: false)
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "t"): try word("true")
        case UInt8(ascii: "f"): try word("false")
        case UInt8(ascii: "n"): try word("null")
        default: try number()
        }
    }

    private mutating func nested(isObject: Bool) throws(JSONError) {
        guard depthLeft > 0 else {
            throw JSONError(code: .tooDeep, message: "The JSON is nested too deeply.", byteOffset: place)
        }
        depthLeft -= 1
        place += 1
        try elements(isObject: isObject, end: isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        depthLeft += 1
    }

    private mutating func elements(isObject: Bool, end: UInt8) throws(JSONError) {
        skipSpace()
        if take(end) { return }
        repeat {
            skipSpace()
            if isObject { try key() }
            try value()
            skipSpace()
        } while take(UInt8(ascii: ","))
        try expect(end)
    }

    /// Walks over a member's name and the colon, to the value.
    mutating func key() throws(JSONError) {
        try string()
        skipSpace()
        try expect(UInt8(ascii: ":"))
        skipSpace()
    }

    /// Walks over a string with its quotes.
    mutating func string() throws(JSONError) {
        try expect(UInt8(ascii: "\""))
        while place < text.count {
            let byte = text[place]
            place += 1
            if byte == UInt8(ascii: "\"") { return }
            if byte < 0x20 { throw unexpected("an escape in place of a control character") }
            if byte == UInt8(ascii: "\\") { try escape() }
        }
        throw unexpected("the end of a string")
    }

    private mutating func escape() throws(JSONError) {
        switch current {
        case UInt8(ascii: "u"):
            place += 1
            for _ in 0..<4 { try hexadecimalDigit() }
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            place += 1
        default: throw unexpected("an escape")
        }
    }

    private mutating func hexadecimalDigit() throws(JSONError) {
        switch current {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            place += 1
        default: throw unexpected("a hexadecimal digit")
        }
    }

    private mutating func number() throws(JSONError) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digits()
        }
    }

    private mutating func digits() throws(JSONError) {
        let start = place
        while UInt8(ascii: "0")...UInt8(ascii: "9") ~= current { place += 1 }
        if place == start { throw unexpected("a value") }
    }

    private mutating func word(_ word: StaticString) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[offset]) }
    }

    func unexpected(_ wanted: String) -> JSONError {
        let code: JSONError.Code = place < text.count ? .syntax : .unexpectedEnd
        return JSONError(code: code, message: "Expected \(wanted).", byteOffset: place)
    }
}
