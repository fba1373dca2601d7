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

/// What makes a value a Patch: a change to the value that a property has, in place of a new value.
///
/// The browser takes an object for one that has a member `__dash_patch_update`, at any place and with any value. Dash
/// writes `{"__dash_patch_update": "__dash_patch_update", "operations": […]}`.
package enum PatchMark {
    /// The member's name, and the value that Dash gives it.
    package static let name = "__dash_patch_update"
}

extension JSON {
    /// Whether the value is a Patch.
    package var isPatch: Bool {
        if case .object(let members) = self { members[PatchMark.name] != nil } else { false }
    }
}

extension RawJSON {
    /// Whether the value is a Patch. Its members are skipped, not parsed; of a value in which the mark cannot be, such as a
    /// large figure, not even that.
    package var isPatch: Bool {
        guard bytes.first(where: { !JSONScanner.isSpace($0) }) == UInt8(ascii: "{"), mayHoldMark else { return false }
        let isPatch = try? JSONScanner.read(bytes[...]) { scanner throws(JSONError) in
            var isFound = false
            try scanner.members { scanner, name throws(JSONError) in
                try scanner.value()
                if try scanner.string(at: name) == PatchMark.name { isFound = true }
            }
            return isFound
        }
        return isPatch ?? false
    }

    /// Whether the mark stands anywhere in the text, or an escape, by which a name may be written in another way.
    private var mayHoldMark: Bool {
        bytes.withUnsafeBufferPointer { text in
            var place = 0
            while place < text.count {
                if text[place] == UInt8(ascii: "\\") { return true }
                if text[place] == UInt8(ascii: "_"), text[place...].starts(with: PatchMark.name.utf8) { return true }
                place &+= 1
            }
            return false
        }
    }
}
