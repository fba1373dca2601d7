import DashJSON

/// Cuts a JSON array into the texts of its elements without parsing them, so that a large value passes through as it is.
enum RawJSONArray {
    /// The texts of the elements, or nil if this is no array or its brackets do not match.
    static func elements(of text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        let inner = trimmed(text)
        guard inner.count >= 2, inner.first == UInt8(ascii: "["), inner.last == UInt8(ascii: "]") else { return nil }
        let content = trimmed(inner.dropFirst().dropLast())
        if content.isEmpty { return [] }
        guard let commas = separators(in: content) else { return nil }
        var elements: [ArraySlice<UInt8>] = []
        var start = content.startIndex
        for comma in commas + [content.endIndex] {
            let element = trimmed(content[start..<comma])
            if element.isEmpty { return nil }
            elements.append(element)
            start = comma + 1
        }
        return elements
    }

    /// The text of a JSON string, or nil if this is none.
    static func string(_ text: ArraySlice<UInt8>) -> String? {
        guard text.count >= 2, text.first == UInt8(ascii: "\""), text.last == UInt8(ascii: "\"") else { return nil }
        let inner = text.dropFirst().dropLast()
        guard inner.contains(UInt8(ascii: "\\")) else { return String(decoding: inner, as: UTF8.self) }
        return (try? JSON(parsing: Array(text)))?.stringValue
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text.drop(while: isSpace)
    }

    /// The places of the commas that are in no bracket and no string, or nil if brackets or quotes are left open.
    private static func separators(in content: ArraySlice<UInt8>) -> [Int]? {
        var commas: [Int] = []
        var depth = 0
        var inString = false
        var escaped = false
        for index in content.indices {
            let byte = content[index]
            if inString {
                if escaped {
                    escaped = false
                } else if byte == UInt8(ascii: "\\") {
                    escaped = true
                } else if byte == UInt8(ascii: "\"") {
                    inString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): inString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            case UInt8(ascii: ",") where depth == 0: commas.append(index)
            default: break
            }
            if depth < 0 { return nil }
        }
        return depth == 0 && !inString ? commas : nil
    }
}
