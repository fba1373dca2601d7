extension String: JSONConvertible {
    /// Reads a text.
    public init(json: JSON) throws {
        guard case .string(let value) = json else { throw JSONError.mismatch(expected: "a string", found: json) }
        self = value
    }

    /// The text as a value.
    public var json: JSON { .string(self) }

    /// Writes the text in quotes.
    public func encode(to writer: inout JSONWriter) { writer.string(self) }
}

extension Substring: JSONConvertible {
    /// Reads a text.
    public init(json: JSON) throws { self = try String(json: json)[...] }

    /// The text as a value.
    public var json: JSON { .string(String(self)) }

    /// Writes the text in quotes.
    public func encode(to writer: inout JSONWriter) {
        var text = self
        text.withUTF8 { writer.string(utf8: $0) }
    }
}

extension Bool: JSONConvertible {
    /// Reads a truth value; numbers and texts are none.
    public init(json: JSON) throws {
        guard case .bool(let value) = json else { throw JSONError.mismatch(expected: "true or false", found: json) }
        self = value
    }

    /// The truth value as JSON.
    public var json: JSON { .bool(self) }

    /// Writes `true` or `false`.
    public func encode(to writer: inout JSONWriter) { writer.bool(self) }
}

extension Double: JSONConvertible {
    /// Reads any number.
    public init(json: JSON) throws {
        guard let value = json.doubleValue else { throw JSONError.mismatch(expected: "a number", found: json) }
        self = value
    }

    /// The number as a value.
    public var json: JSON { .double(self) }

    /// Writes the number; `null` for NaN and the infinities.
    public func encode(to writer: inout JSONWriter) { writer.double(self) }
}

extension Float: JSONConvertible {
    /// Reads any number, rounded to the nearest `Float`.
    public init(json: JSON) throws { self = try Float(Double(json: json)) }

    /// The number as a value, exactly.
    public var json: JSON { .double(Double(self)) }

    /// Writes the shortest digits that read back as this `Float`; `null` for NaN and the infinities.
    public func encode(to writer: inout JSONWriter) { writer.float(self) }
}
