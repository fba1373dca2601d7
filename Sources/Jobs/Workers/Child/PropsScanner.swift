/// Finds the entries of a JSON array `[[id, property, value], …]` without reading the values, which may be large.
struct PropsScanner {
    /// One entry, as pieces of the text.
    struct Entry: Hashable {
        /// Id and property, as written.
        var key: [UInt8]
        /// The whole `[id, property, value]`.
        var text: [UInt8]
        /// Whether the value is a Patch: a change to what is there, not a value that replaces it.
        var isPatch: Bool
    }

    private let bytes: [UInt8]
    private var index = 0

    /// The entries in their order, or nil if the text is not such an array.
    static func entries(_ bytes: [UInt8]) -> [Entry]? {
        var scanner = PropsScanner(bytes: bytes)
        return scanner.all()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func all() -> [Entry]? {
        guard skip("[") else { return nil }
        if skip("]") { return [] }
        var entries: [Entry] = []
        repeat {
            guard let entry = entry() else { return nil }
            entries.append(entry)
        } while skip(",")
        return skip("]") ? entries : nil
    }

    private mutating func entry() -> Entry? {
        skipSpace()
        let start = index
        guard skip("["), let id = value(), skip(","), let property = value(), skip(","), let value = value(), skip("]")
        else { return nil }
        let key = Array(bytes[id]) + [0] + Array(bytes[property])
        return Entry(key: key, text: Array(bytes[start..<index]), isPatch: isPatch(value))
    }

    /// The next value's place; everything up to its end is skipped.
    private mutating func value() -> Range<Int>? {
        skipSpace()
        let start = index
        var depth = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "\""): skipString()
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                index += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if depth == 0 { return start == index ? nil : start..<index }
                depth -= 1
                index += 1
            case UInt8(ascii: ",") where depth == 0: return start == index ? nil : start..<index
            default: index += 1
            }
        }
        return nil
    }

    private mutating func skipString() {
        index += 1
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        index += 1
    }

    private mutating func skip(_ wanted: Unicode.Scalar) -> Bool {
        skipSpace()
        guard index < bytes.count, bytes[index] == UInt8(ascii: wanted) else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while index < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index]) { index += 1 }
    }

    /// A Patch is an object whose first or second member is called so.
    private func isPatch(_ value: Range<Int>) -> Bool {
        guard bytes[value.lowerBound] == UInt8(ascii: "{") else { return false }
        var scanner = PropsScanner(bytes: Array(bytes[value]))
        scanner.index = 1
        return scanner.namesPatch() || (scanner.skip(",") && scanner.namesPatch())
    }

    private mutating func namesPatch() -> Bool {
        skipSpace()
        let start = index
        guard start < bytes.count, bytes[start] == UInt8(ascii: "\"") else { return false }
        skipString()
        let isName = bytes[start..<min(index, bytes.count)].elementsEqual("\"__dash_patch_update\"".utf8)
        guard skip(":") else { return false }
        return value() != nil && isName
    }
}
