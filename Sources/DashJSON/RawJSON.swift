/// A value that is JSON text already and is written as it is: what goes through unread costs no parsing.
///
/// Equality compares the bytes, so `1` and `1.0` differ here.
public struct RawJSON: JSONEncodable, JSONDecodable, Hashable, CustomStringConvertible {
    /// The text in UTF-8.
    public let bytes: [UInt8]

    /// Takes bytes that are known to be exactly one valid JSON value. This is not checked.
    public init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Encodes a value.
    public init(_ value: some JSONEncodable) {
        bytes = value.jsonBytes()
    }

    /// Encodes a JSON tree.
    public init(json: JSON) {
        bytes = json.serialized()
    }

    /// The text `null`.
    public static let null = RawJSON(unchecked: Array("null".utf8))

    /// Writes the bytes as they are.
    public func encode(to writer: inout JSONWriter) {
        writer.raw(bytes: bytes)
    }

    /// The same JSON with `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`, so that it may stand in a script element.
    public func escapingHTML() -> RawJSON {
        var writer = JSONWriter(capacity: bytes.count + bytes.count / 8)
        bytes.withUnsafeBufferPointer { writer.raw(escapingHTML: $0) }
        return RawJSON(unchecked: writer.bytes)
    }

    /// A copy of the bytes.
    public func jsonBytes() -> [UInt8] { bytes }

    /// The text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}
