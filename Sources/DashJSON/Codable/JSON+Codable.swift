extension JSON {
    /// The JSON of a `Codable` value.
    ///
    /// Structures and dictionaries become objects, other collections arrays; a member that is nil is left out. NaN and
    /// the infinities become `null` when they are written.
    ///
    /// - Throws: What the value's own `encode(to:)` throws.
    public init(encoding value: some Encodable) throws {
        let node = EncodingNode()
        try node.encode(value, at: [])
        self = node.json
    }

    /// The `Codable` value that this JSON is of: `try json.decoded(as: Cart.self)`.
    ///
    /// - Throws: `DecodingError` that names the place, or what the type's own `init(from:)` throws.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws -> Value {
        try JSONDecoding(json: self, codingPath: []).value(type)
    }
}

/// A `Codable` type that a property may hold: what a store keeps, a callback's input and output.
///
/// ```swift
/// struct Cart: JSONCodable { var items: [String] = [] }
/// let cart = dcc.Store.id("cart")
/// app.callback(Output(cart.data.as(Cart.self)), Input(add.nClicks), State(cart.data.as(Cart?.self))) { _, cart in
///     Cart(items: (cart?.items ?? []) + ["apple"])
/// }
/// ```
///
/// The conformance is all there is to write. Should the type's own `encode(to:)` throw, `null` is written, and the writer
/// keeps the error (``JSONWriter/failure``): a callback that returns such a value fails.
public protocol JSONCodable: Codable, JSONEncodable, JSONDecodable {}

extension JSONCodable {
    /// Reads what ``json`` makes.
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

/// Values whose JSON is known without `Codable`: one text, number or truth value, and JSON itself.
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
