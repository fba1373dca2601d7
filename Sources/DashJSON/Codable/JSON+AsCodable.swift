// So that a `Codable` type may have members that are any JSON. `JSON(encoding:)` and `decoded(as:)` take such members as
// they are; what follows is for coders of other formats.

extension JSON: Codable {
    /// Reads whatever value there is.
    ///
    /// - Throws: `DecodingError` if it is none that JSON has.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: MemberKey.self) {
            let names = container.allKeys
            self = .object(JSONObject(try names.map { ($0.name, try container.decode(JSON.self, forKey: $0)) }))
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [JSON] = []
            while !container.isAtEnd { elements.append(try container.decode(JSON.self)) }
            self = .array(elements)
        } else {
            self = try Self.scalar(in: decoder.singleValueContainer())
        }
    }

    /// Writes the value.
    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value): try value.encode(to: encoder)
        case .int(let value): try value.encode(to: encoder)
        case .double(let value): try value.encode(to: encoder)
        case .string(let value): try value.encode(to: encoder)
        case .array(let value): try value.encode(to: encoder)
        case .object(let value): try value.encode(to: encoder)
        }
    }

    private static func scalar(in container: any SingleValueDecodingContainer) throws -> JSON {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int.self) { return .int(value) }
        if let value = try? container.decode(Double.self) { return .double(value) }
        return .string(try container.decode(String.self))
    }
}

extension JSONObject: Codable {
    /// Reads an object.
    ///
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberKey.self)
        self.init(try container.allKeys.map { ($0.name, try container.decode(JSON.self, forKey: $0)) })
    }

    /// Writes the members in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MemberKey.self)
        for (key, value) in self { try container.encode(value, forKey: MemberKey(name: key)) }
    }
}

/// Any name.
private struct MemberKey: CodingKey {
    let name: String

    init(name: String) { self.name = name }
    init?(stringValue: String) { name = stringValue }
    init?(intValue: Int) { name = "\(intValue)" }

    var stringValue: String { name }
    var intValue: Int? { nil }
}
