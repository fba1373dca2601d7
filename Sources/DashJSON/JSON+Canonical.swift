extension JSON {
    /// A text that is the same for equal values: members sorted by the bytes of their names, `1.0` as `1`.
    ///
    /// For cache keys. NaN and the infinities are `null` as in `serialized()`. Names and texts are not normalised, so
    /// two strings that Swift takes for equal but have other code points give different texts.
    public func canonical() -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writeCanonical(to: &writer)
        return writer.bytes
    }

    private func writeCanonical(to writer: inout JSONWriter) {
        switch self {
        case .double(let value):
            if let int = Int(exactly: value) { writer.int(int) } else { writer.double(value) }
        case .array(let elements):
            writer.byte(UInt8(ascii: "["))
            for (place, element) in elements.enumerated() {
                if place > 0 { writer.byte(UInt8(ascii: ",")) }
                element.writeCanonical(to: &writer)
            }
            writer.byte(UInt8(ascii: "]"))
        case .object(let object):
            writer.object { members in
                for (key, value) in object.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
                    members.member(key) { value.writeCanonical(to: &$0) }
                }
            }
        default:
            encode(to: &writer)
        }
    }
}
