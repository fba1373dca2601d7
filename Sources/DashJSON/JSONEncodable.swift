/// A value that can be written as JSON.
public protocol JSONEncodable: Sendable {
    /// Writes the value as exactly one JSON value.
    func encode(to writer: inout JSONWriter)

    /// The value as a JSON tree. The default parses the output of `encode(to:)`; implement it if there is a faster way.
    var json: JSON { get }
}

/// A value that can be decoded from JSON.
public protocol JSONDecodable: Sendable {
    /// Decodes the value.
    ///
    /// - Throws: `JSONError` with the code `.mismatch`, or an own error of the type, if `json` has another form.
    init(json: JSON) throws
}

/// A value that can be encoded and decoded.
public typealias JSONConvertible = JSONEncodable & JSONDecodable

extension JSONEncodable {
    /// The tree of the output of `encode(to:)`; `null` if that is not valid JSON.
    public var json: JSON {
        (try? JSON(parsing: jsonBytes(), maximumDepth: .max)) ?? .null
    }

    /// The value's JSON text in UTF-8.
    public func jsonBytes() -> [UInt8] {
        var writer = JSONWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// The value's JSON text.
    public var jsonText: String {
        String(decoding: jsonBytes(), as: UTF8.self)
    }
}

extension String: JSONConvertible {
    /// Decodes a string.
    public init(json: JSON) throws {
        guard case .string(let value) = json else { throw JSONError.mismatch(expected: "a string", found: json) }
        self = value
    }

    /// The string as JSON.
    public var json: JSON { .string(self) }

    /// Writes a JSON string.
    public func encode(to writer: inout JSONWriter) { writer.string(self) }
}

extension Substring: JSONConvertible {
    /// Decodes a string.
    public init(json: JSON) throws { self = try String(json: json)[...] }

    /// The string as JSON.
    public var json: JSON { .string(String(self)) }

    /// Writes a JSON string.
    public func encode(to writer: inout JSONWriter) {
        var text = self
        text.withUTF8 { writer.string(utf8: $0) }
    }
}

extension Bool: JSONConvertible {
    /// Decodes a Boolean; numbers and strings are not accepted.
    public init(json: JSON) throws {
        guard case .bool(let value) = json else { throw JSONError.mismatch(expected: "true or false", found: json) }
        self = value
    }

    /// The Boolean as JSON.
    public var json: JSON { .bool(self) }

    /// Writes `true` or `false`.
    public func encode(to writer: inout JSONWriter) { writer.bool(self) }
}

extension Double: JSONConvertible {
    /// Decodes any number.
    public init(json: JSON) throws {
        guard let value = json.doubleValue else { throw JSONError.mismatch(expected: "a number", found: json) }
        self = value
    }

    /// The number as JSON.
    public var json: JSON { .double(self) }

    /// Writes the number; `null` for NaN and infinities.
    public func encode(to writer: inout JSONWriter) { writer.double(self) }
}

extension Float: JSONConvertible {
    /// Decodes any number, rounded to the nearest `Float`.
    public init(json: JSON) throws { self = try Float(Double(json: json)) }

    /// The exact number as JSON.
    public var json: JSON { .double(Double(self)) }

    /// Writes the shortest digits that parse as this `Float`; `null` for NaN and infinities.
    public func encode(to writer: inout JSONWriter) { writer.float(self) }
}

extension JSONEncodable where Self: FixedWidthInteger {
    /// The number as JSON; above `Int.max` the nearest double.
    public var json: JSON {
        Int(exactly: self).map(JSON.int) ?? .double(Double(self))
    }

    /// Writes all digits.
    public func encode(to writer: inout JSONWriter) {
        if self < 0 { writer.byte(UInt8(ascii: "-")) }
        writer.digits(of: UInt64(magnitude))
    }
}

extension JSONDecodable where Self: FixedWidthInteger {
    /// Decodes an integral number that fits; `1.0` counts as 1.
    public init(json: JSON) throws {
        let value: Self? =
            switch json {
            case .int(let int): Self(exactly: int)
            case .double(let double): Self(exactly: double)
            default: nil
            }
        guard let value else {
            throw JSONError.mismatch(expected: "an integer from \(Self.min) to \(Self.max)", found: json)
        }
        self = value
    }
}

extension Int: JSONConvertible {}
extension Int8: JSONConvertible {}
extension Int16: JSONConvertible {}
extension Int32: JSONConvertible {}
extension Int64: JSONConvertible {}
extension UInt: JSONConvertible {}
extension UInt8: JSONConvertible {}
extension UInt16: JSONConvertible {}
extension UInt32: JSONConvertible {}
extension UInt64: JSONConvertible {}

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
    /// Decodes the value; `null` is nil.
    public init(json: JSON) throws {
        self = json.isNull ? nil : try Wrapped(json: json)
    }
}

extension Array: JSONEncodable where Element: JSONEncodable {
    /// The elements as an array.
    public var json: JSON { .array(map(\.json)) }

    // Specialized for the most frequent types in figures; otherwise each element goes through its witness table.
    /// Writes an array.
    @specialized(where Element == Double)
    @specialized(where Element == Int)
    @specialized(where Element == String)
    @specialized(where Element == JSON)
    public func encode(to writer: inout JSONWriter) { writer.array(of: self) }
}

extension Array: JSONDecodable where Element: JSONDecodable {
    /// Decodes an array.
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

    /// Writes an object with members sorted by name, as the order of a dictionary differs between runs.
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
    /// Decodes an object.
    public init(json: JSON) throws {
        let object = try JSONObject(json: json)
        self.init(minimumCapacity: object.count)
        for (key, value) in object { self[key] = try Value(json: value) }
    }
}
