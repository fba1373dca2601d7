/// JSON text that is passed through without parsing.
///
/// Equality compares bytes, so `1` and `1.0` differ.
public struct RawJSON: JSONEncodable, JSONDecodable, Hashable, CustomStringConvertible {
    /// The text in UTF-8.
    public let bytes: [UInt8]

    /// Takes bytes that must be exactly one valid JSON value, which is not checked.
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

    /// Writes the bytes verbatim.
    public func encode(to writer: inout JSONWriter) {
        writer.raw(bytes: bytes)
    }

    /// The same JSON with `<`, `>`, `/`, `&`, U+2028 and U+2029 as `\uXXXX`, for script elements.
    public func escapingHTML() -> RawJSON {
        var writer = JSONWriter(capacity: bytes.count + bytes.count / 8)
        bytes.withUnsafeBufferPointer { writer.raw(escapingHTML: $0) }
        return RawJSON(unchecked: writer.bytes)
    }

    /// The bytes.
    public func jsonBytes() -> [UInt8] { bytes }

    /// The text.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

/// Marks a value as a Patch: a modification of a property's current value.
///
/// The browser treats an object as a Patch if it has a member `__dash_patch_update`, in any position and with any
/// value. Dash writes `{"__dash_patch_update": "__dash_patch_update", "operations": […]}`.
package enum PatchMark {
    /// The member's name, and its value as written by Dash.
    package static let name = "__dash_patch_update"
}

extension RawJSON {
    package static let emptyArray = RawJSON(unchecked: Array("[]".utf8))
    package static let emptyObject = RawJSON(unchecked: Array("{}".utf8))

    /// The JSON text for display, cut after 1024 characters. Only the beginning of a large text is read.
    package var displayText: String {
        // A character has at most 4 bytes, so only the character after the cut can be incomplete.
        let length = 1024
        let text = String(decoding: bytes.prefix(4 * length + 4), as: UTF8.self).unicodeScalars
        return text.count > length ? String(text.prefix(length)) + "..." : String(text)
    }

    /// Whether the value is a Patch. Its members are scanned, not parsed; values that cannot contain the mark, such as
    /// large figures, are not even scanned.
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

    /// Whether the text contains the mark, or an escape, which could spell the name differently.
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
