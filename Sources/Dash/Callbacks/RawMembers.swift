import DashJSON

/// Cuts the members out of the text of an object without parsing their values.
enum RawMembers {
    /// The members in order, their keys taken without escapes; `nil` if the text is no object, or is cut off.
    ///
    /// - Parameter bytes: JSON that was written by ``DashJSON/JSONWriter``: valid, and without spaces.
    static func split(_ bytes: [UInt8]) -> [(key: String, value: RawJSON)]? {
        guard bytes.first == UInt8(ascii: "{"), bytes.last == UInt8(ascii: "}") else { return nil }
        var members: [(key: String, value: RawJSON)] = []
        var position = 1
        while position < bytes.count - 1 {
            guard let key = end(ofValueAt: position, in: bytes), bytes[key] == UInt8(ascii: ":"),
                let value = end(ofValueAt: key + 1, in: bytes)
            else { return nil }
            let name = String(decoding: bytes[position..<key].dropFirst().dropLast(), as: UTF8.self)
            members.append((name, RawJSON(unchecked: Array(bytes[(key + 1)..<value]))))
            position = value + 1
        }
        return members
    }

    /// The place after the value: that of the colon, comma or closing bracket that ends it.
    private static func end(ofValueAt start: Int, in bytes: [UInt8]) -> Int? {
        var depth = 0
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""): position = endOfText(at: position, in: bytes)
            case UInt8(ascii: ":"), UInt8(ascii: ","): if depth == 0 { return position }
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return position }
                depth -= 1
            default: break
            }
            position += 1
        }
        return nil
    }

    /// The place of the closing quote.
    private static func endOfText(at start: Int, in bytes: [UInt8]) -> Int {
        var position = start + 1
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            position += bytes[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return position
    }
}
