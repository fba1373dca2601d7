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
