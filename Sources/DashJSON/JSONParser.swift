/// Reads one JSON value from bytes; recursive, a level for each array or object.
struct JSONParser: ~Copyable {
    let text: UnsafeBufferPointer<UInt8>
    var place = 0
    /// How many members the last object had: records in a table are alike.
    var likelyMemberCount = 0
    private var depthLeft: Int

    /// Reads the one value that `text` holds.
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

    /// The byte at the place, 0 at the end: no valid JSON has a 0 byte, so it needs no extra check.
    @inline(__always)
    var current: UInt8 {
        place < text.count ? text[place] : 0
    }

    /// Reads a value; the place is at its first byte.
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
    private mutating func nested(
        _ read: (inout JSONParser) throws(JSONError) -> JSON
    ) throws(JSONError) -> JSON {
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
