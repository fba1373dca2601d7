/// A JSON value, such as a property, argument or result.
///
/// Literals make constants: `let style: JSON = ["color": "red", "width": 3]`. Other values are converted with
/// `JSON(value)` or `value.json`.
///
/// Equality compares meaning: the order of object members does not matter, and `.int(1) == .double(1)`, as in
/// JavaScript.
public enum JSON: Sendable {
    /// `null`; also the value of a missing member.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number written without fraction and exponent that fits into `Int`.
    case int(Int)
    /// Any other number. NaN and infinities are written as `null`.
    case double(Double)
    /// A string.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Named members in order.
    case object(JSONObject)

    /// Encodes a value: `JSON([1, 2])`.
    public init(_ value: some JSONEncodable) {
        self = value.json
    }
}

extension JSON: CustomStringConvertible {
    /// The value's JSON text.
    public var description: String { text }
}

// Rounding functions are in the C math library on Linux; the import links it.
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

extension JSON {
    /// The member `key` of an object; `null` if it is missing or this is not an object.
    ///
    /// Setting turns any other value into an object. Setting `null` stores a `null` member; to remove one, use the
    /// subscript of `JSONObject`.
    public subscript(key: String) -> JSON {
        get {
            guard case .object(let object) = self else { return .null }
            return object[key] ?? .null
        }
        set {
            var object = takeObject()
            object[key] = newValue
            self = .object(object)
        }
    }

    /// The element at `index` of an array; `null` if it is missing or this is not an array.
    public subscript(index: Int) -> JSON {
        guard case .array(let array) = self, array.indices.contains(index) else { return .null }
        return array[index]
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The string, if this is one.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The number, if it is integral and fits into `Int`; `1.0` counts.
    public var intValue: Int? {
        switch self {
        case .int(let value): value
        case .double(let value): Int(exactly: value)
        default: nil
        }
    }

    /// The number, if this is one, rounded to the nearest double.
    public var doubleValue: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }

    /// The Boolean, if this is one.
    public var boolValue: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements, if this is an array.
    public var arrayValue: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members, if this is an object.
    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Takes the object and leaves `null`, so that the object can be changed without a copy.
    private mutating func takeObject() -> JSONObject {
        guard case .object(let object) = self else { return JSONObject() }
        self = .null
        return object
    }
}

// MARK: - Equality

extension JSON: Hashable {
    /// Whether both have the same meaning: numbers compare by value, object members in any order.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.double(let left), .double(let right)): left == right || (left.isNaN && right.isNaN)
        case (.int(let int), .double(let double)), (.double(let double), .int(let int)): Int(exactly: double) == int
        case (.string(let left), .string(let right)): left == right
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Hashes the value, consistently with `==`.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0 as UInt8)
        case .bool(let bool): hasher.combine(bool)
        case .int(let int): hasher.combine(int)
        case .double(let double): Self.hash(double, into: &hasher)
        case .string(let string): hasher.combine(string)
        case .array(let array): hasher.combine(array)
        case .object(let object): hasher.combine(object)
        }
    }

    /// Hashes an integral double as the equal integer, and every NaN alike.
    private static func hash(_ double: Double, into hasher: inout Hasher) {
        if let int = Int(exactly: double) {
            hasher.combine(int)
        } else {
            hasher.combine(double.isNaN ? Double.nan : double)
        }
    }
}

// MARK: - Literals

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `nil` is `null`.
    public init(nilLiteral: ()) { self = .null }

    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// `3`
    public init(integerLiteral value: Int) { self = .int(value) }

    /// `3.5`
    public init(floatLiteral value: Double) { self = .double(value) }

    /// `"text"` and `"text with \(interpolation)"`
    public init(stringLiteral value: String) { self = .string(value) }

    /// `[1, "two", nil]`
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// `["name": 1]`; members keep their order, and the last of several with one name wins.
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }
}

// MARK: - Parsing

extension JSON {
    /// Parses JSON text in UTF-8: one value with optional white space around it.
    ///
    /// Of several members with one name the last wins. A lone surrogate in an escape becomes U+FFFD. Integers beyond
    /// `Int` become doubles, and `1e400` becomes infinity, which is written as `null`.
    ///
    /// - Parameters:
    ///   - bytes: The text.
    ///   - maximumDepth: The maximum nesting of arrays and objects. Parsing uses stack in proportion to the depth.
    /// - Throws: `JSONError` with the position of the first error.
    public init(parsing bytes: [UInt8], maximumDepth: Int = 512) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { buffer throws(JSONError) in
            try JSONParser.parse(buffer, maximumDepth: maximumDepth)
        }
    }

    /// Parses JSON text; see `init(parsing:maximumDepth:)` for bytes.
    ///
    /// - Throws: `JSONError` with the position of the first error, in bytes of UTF-8.
    public init(parsing text: String, maximumDepth: Int = 512) throws(JSONError) {
        self = try JSON(parsing: Array(text.utf8), maximumDepth: maximumDepth)
    }

    /// Parses JSON text in UTF-8; see `init(parsing:maximumDepth:)` for bytes.
    ///
    /// - Throws: `JSONError` with the position of the first error.
    public init(parsing buffer: UnsafeRawBufferPointer, maximumDepth: Int = 512) throws(JSONError) {
        self = try buffer.withMemoryRebound(to: UInt8.self) { buffer throws(JSONError) in
            try JSONParser.parse(buffer, maximumDepth: maximumDepth)
        }
    }
}

// MARK: - Encoding

extension JSON: JSONEncodable, JSONDecodable {
    /// Returns the value unchanged.
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

    /// The compact JSON text in UTF-8, members in their order, NaN and infinities as `null`.
    ///
    /// - Parameter escapingHTML: Whether to write `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`, for script
    ///   elements.
    public func serialized(escapingHTML: Bool = false) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        encode(to: &writer)
        return escapingHTML ? RawJSON(unchecked: writer.bytes).escapingHTML().bytes : writer.bytes
    }

    /// The compact JSON text.
    public var text: String {
        String(decoding: serialized(), as: UTF8.self)
    }

    /// The first 80 bytes of the compact text, for messages.
    package var excerpt: String {
        let bytes = serialized()
        return String(decoding: bytes.prefix(80), as: UTF8.self) + (bytes.count > 80 ? "…" : "")
    }

    /// Whether the value is a Patch.
    package var isPatch: Bool {
        if case .object(let members) = self { members[PatchMark.name] != nil } else { false }
    }
}

// MARK: - Canonical

extension JSON {
    /// The canonical text: equal values have the same text, with members sorted by the bytes of their names, and `1.0`
    /// as `1`.
    ///
    /// For cache keys. NaN and infinities are `null`, as in `serialized()`. Strings are not normalized: strings that
    /// Swift considers equal but that differ in code points have different texts.
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
            writer.array(of: elements) { $0.writeCanonical(to: &$1) }
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

// MARK: - Values that may be missing

extension JSON {
    package static func string(orNull text: String?) -> JSON {
        text.map { .string($0) } ?? .null
    }

    package static func int(orNull number: Int?) -> JSON {
        number.map { .int($0) } ?? .null
    }

    package static func double(orNull number: Double?) -> JSON {
        number.map { .double($0) } ?? .null
    }

    /// Seconds, as an integer if whole, or null.
    package static func seconds(_ seconds: Double?) -> JSON {
        guard let seconds else { return .null }
        return Int(exactly: seconds).map { .int($0) } ?? .double(seconds)
    }

    /// The elements of an array; none for null; any other value as a single element.
    package var orElements: [JSON] {
        switch self {
        case .array(let elements): elements
        case .null: []
        default: [self]
        }
    }
}

// MARK: - Codable

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

extension JSON: JSONLeaf {}

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
