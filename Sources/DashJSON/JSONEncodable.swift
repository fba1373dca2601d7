/// A value that can be written as JSON.
public protocol JSONEncodable: Sendable {
    /// Writes the value as exactly one JSON value.
    func encode(to writer: inout JSONWriter)

    /// The value as a JSON tree. By default what `encode(to:)` writes is parsed; give a shorter way where there is one.
    var json: JSON { get }
}

/// A value that can be made from JSON.
public protocol JSONDecodable: Sendable {
    /// Reads the value.
    ///
    /// - Throws: `JSONError` with the code `.mismatch`, or any error of the type's own, if `json` has another form.
    init(json: JSON) throws
}

/// A value that goes both ways.
public typealias JSONConvertible = JSONEncodable & JSONDecodable

extension JSONEncodable {
    /// The tree of what `encode(to:)` writes; `null` if that is not valid JSON.
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

extension JSONEncodable where Self: FixedWidthInteger {
    /// The number as a value; above `Int.max` the nearest double.
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
    /// Reads a number without fraction that fits; `1.0` counts as 1.
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
