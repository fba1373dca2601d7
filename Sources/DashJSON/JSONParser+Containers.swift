extension JSONParser {
    /// Reads an array; the place is at its bracket.
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

    /// Reads an object; the place is at its brace.
    mutating func object() throws(JSONError) -> JSONObject {
        place &+= 1
        skipSpace()
        var object = JSONObject()
        if current == UInt8(ascii: "}") {
            place &+= 1
            return object
        }
        while true {
            object[try key()] = try value()
            skipSpace()
            switch current {
            case UInt8(ascii: ","):
                place &+= 1
                skipSpace()
            case UInt8(ascii: "}"):
                place &+= 1
                return object
            default: throw unexpected("“,” or “}”")
            }
        }
    }

    /// Reads a name and its colon, up to the value.
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
