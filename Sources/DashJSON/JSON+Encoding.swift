extension JSON: JSONEncodable, JSONDecodable {
    /// Takes the value as it is.
    public init(json: JSON) { self = json }

    /// The value itself.
    public var json: JSON { self }

    /// Writes the value.
    public func encode(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let value): writer.bool(value)
        case .int(let value): writer.int(value)
        case .double(let value): writer.double(value)
        case .string(let value): writer.string(value)
        case .array(let value): writer.array(of: value)
        case .object(let value): value.encode(to: &writer)
        }
    }

    /// The JSON text in UTF-8, compact, members in their order, NaN and the infinities as `null`.
    ///
    /// - Parameter escapingHTML: Writes `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`, so that the text may stand
    ///   in a script element of a page.
    public func serialized(escapingHTML: Bool = false) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        encode(to: &writer)
        return escapingHTML ? RawJSON(unchecked: writer.bytes).escapingHTML().bytes : writer.bytes
    }

    /// The JSON text, compact.
    public var text: String {
        String(decoding: serialized(), as: UTF8.self)
    }
}

extension JSONObject: JSONEncodable, JSONDecodable {
    /// Reads an object.
    public init(json: JSON) throws {
        guard case .object(let object) = json else { throw JSONError.mismatch(expected: "an object", found: json) }
        self = object
    }

    /// The object as a value.
    public var json: JSON { .object(self) }

    /// Writes the members in order.
    public func encode(to writer: inout JSONWriter) {
        writer.byte(UInt8(ascii: "{"))
        var isFirst = true
        for (key, value) in members {
            if isFirst { isFirst = false } else { writer.byte(UInt8(ascii: ",")) }
            writer.string(key)
            writer.byte(UInt8(ascii: ":"))
            value.encode(to: &writer)
        }
        writer.byte(UInt8(ascii: "}"))
    }
}
