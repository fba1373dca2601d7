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
