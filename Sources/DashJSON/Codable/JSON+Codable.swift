extension JSON {
    /// Encodes a `Codable` value.
    ///
    /// Structures and dictionaries become objects, other collections arrays; nil members are omitted. NaN and
    /// infinities are written as `null`.
    ///
    /// - Throws: Errors of the value's `encode(to:)`.
    public init(encoding value: some Encodable) throws {
        let node = EncodingNode()
        try node.encode(value, at: [])
        self = node.json
    }

    /// Decodes a `Codable` value: `try json.decoded(as: Cart.self)`.
    ///
    /// - Throws: `DecodingError` with the coding path, or errors of the type's `init(from:)`.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoding(json: self, codingPath: []).value(type)
    }
}

/// A `Codable` type for properties: stored data, inputs and outputs of callbacks.
///
/// ```swift
/// struct Cart: JSONCodable { var items: [String] = [] }
/// let cart = dcc.Store.id("cart")
/// app.callback(Output(cart.data.as(Cart.self)), Input(add.nClicks), State(cart.data.as(Cart?.self))) { _, cart in
///     Cart(items: (cart?.items ?? []) + ["apple"])
/// }
/// ```
///
/// The conformance needs no further code. If `encode(to:)` throws, `null` is written and the writer keeps the error
/// (``JSONWriter/failure``): a callback that returns such a value fails.
public protocol JSONCodable: Codable, JSONEncodable, JSONDecodable {}

extension JSONCodable {
    /// Decodes the form of ``json``.
    public init(json: JSON) throws { self = try json.decoded() }

    /// The value as a tree; `null` if it cannot be encoded.
    public var json: JSON { (try? JSON(encoding: self)) ?? .null }

    /// Writes the value; `null` if it cannot be encoded.
    public func encode(to writer: inout JSONWriter) {
        do {
            try JSON(encoding: self).encode(to: &writer)
        } catch {
            writer.fail(error)
        }
    }
}

/// Values with a direct JSON form: strings, numbers, Booleans, and JSON itself.
protocol JSONLeaf: JSONEncodable, JSONDecodable {}

extension JSON: JSONLeaf {}
extension JSONObject: JSONLeaf {}
extension String: JSONLeaf {}
extension Bool: JSONLeaf {}
extension Double: JSONLeaf {}
extension Float: JSONLeaf {}
extension Int: JSONLeaf {}
extension Int8: JSONLeaf {}
extension Int16: JSONLeaf {}
extension Int32: JSONLeaf {}
extension Int64: JSONLeaf {}
extension UInt: JSONLeaf {}
extension UInt8: JSONLeaf {}
extension UInt16: JSONLeaf {}
extension UInt32: JSONLeaf {}
extension UInt64: JSONLeaf {}

// Lets `Codable` types have members of any JSON. `JSON(encoding:)` and `decoded(as:)` handle such members directly; the
// following serves coders of other formats.

extension JSON: Codable {
    /// Decodes any value.
    ///
    /// - Throws: `DecodingError` if it has no JSON form.
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

    /// Encodes the value.
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
    /// Decodes an object.
    ///
    /// - Throws: `DecodingError` for other values.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: MemberKey.self)
        self.init(try container.allKeys.map { ($0.name, try container.decode(JSON.self, forKey: $0)) })
    }

    /// Encodes the members in order.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: MemberKey.self)
        for (key, value) in self { try container.encode(value, forKey: MemberKey(name: key)) }
    }
}

private struct MemberKey: CodingKey {
    let name: String

    init(name: String) { self.name = name }
    init?(stringValue: String) { name = stringValue }
    init?(intValue: Int) { name = "\(intValue)" }

    var stringValue: String { name }
    var intValue: Int? { nil }
}
