extension Optional: JSONEncodable where Wrapped: JSONEncodable {
    /// The value, or `null` for nil.
    public var json: JSON { self?.json ?? .null }

    /// Writes the value, or `null` for nil.
    @inlinable
    public func encode(to writer: inout JSONWriter) {
        if let self { self.encode(to: &writer) } else { writer.null() }
    }
}

extension Optional: JSONDecodable where Wrapped: JSONDecodable {
    /// Reads the value; `null` is nil.
    public init(json: JSON) throws {
        self = json.isNull ? nil : try Wrapped(json: json)
    }
}

extension Array: JSONEncodable where Element: JSONEncodable {
    /// The elements as an array.
    public var json: JSON { .array(map(\.json)) }

    // Figures are mostly arrays of these four types; without this each element would go through its type's witness table.
    /// Writes an array.
    @specialized(where Element == Double)
    @specialized(where Element == Int)
    @specialized(where Element == String)
    @specialized(where Element == JSON)
    public func encode(to writer: inout JSONWriter) { writer.array(of: self) }
}

extension Array: JSONDecodable where Element: JSONDecodable {
    /// Reads an array, each element as an `Element`.
    public init(json: JSON) throws {
        guard case .array(let elements) = json else { throw JSONError.mismatch(expected: "an array", found: json) }
        self = try elements.map { try Element(json: $0) }
    }
}

extension ArraySlice: JSONEncodable where Element: JSONEncodable {
    /// The elements as an array.
    public var json: JSON { .array(map(\.json)) }

    /// Writes an array.
    @inlinable
    public func encode(to writer: inout JSONWriter) { writer.array(of: self) }
}

extension Dictionary: JSONEncodable where Key == String, Value: JSONEncodable {
    /// The members as an object, sorted by name.
    public var json: JSON {
        var object = JSONObject()
        object.reserveCapacity(count)
        for (key, value) in sortedMembers { object.append(key, value.json) }
        return .object(object)
    }

    /// Writes an object, its members sorted by name: a dictionary's own order differs from run to run.
    public func encode(to writer: inout JSONWriter) {
        writer.object { members in
            for (key, value) in sortedMembers { members.member(key, value) }
        }
    }

    private var sortedMembers: [(key: String, value: Value)] {
        sorted { $0.key < $1.key }
    }
}

extension Dictionary: JSONDecodable where Key == String, Value: JSONDecodable {
    /// Reads an object, each member as a `Value`.
    public init(json: JSON) throws {
        let object = try JSONObject(json: json)
        self.init(minimumCapacity: object.count)
        for (key, value) in object { self[key] = try Value(json: value) }
    }
}
