package import DashJSON

/// Celery's encoding of values that JSON lacks: `{"__type__": "datetime", "__value__": "2026-01-02T03:04:05"}`.
///
/// They are read as text: `datetime`, `date` and `time` in ISO 8601, `decimal` as digits, `uuid` with dashes, `bytes`
/// as text, `base64` in base64. They are never written.
package enum TypedJSON {
    /// Whether a text may contain a typed value.
    static func isMarked(_ text: [UInt8]) -> Bool { text.contains("\"__type__\"") }

    /// Checks that every typed value has a known type.
    ///
    /// - Throws: `CeleryError.malformed` for an unknown type, as in Python.
    static func check(_ json: JSON) throws(CeleryError) {
        switch json {
        case .array(let elements):
            for element in elements { try check(element) }
        case .object(let members):
            if let (type, value) = typed(members) {
                guard plain(type, value) != nil else {
                    throw .malformed("The typed value \(json.excerpt) is not supported.")
                }
            } else {
                for (_, value) in members { try check(value) }
            }
        default: break
        }
    }

    /// The value in plain form. A typed value of an unknown type is left unchanged.
    static func plain(_ json: JSON) -> JSON {
        switch json {
        case .array(let elements): .array(elements.map(plain))
        case .object(let members):
            if let (type, value) = typed(members), let text = plain(type, value) {
                .string(text)
            } else {
                .object(JSONObject(members.map { ($0.key, plain($0.value)) }))
            }
        default: json
        }
    }

    /// The text in plain form; usually unchanged.
    package static func plain(_ text: RawJSON) -> RawJSON {
        guard isMarked(text.bytes), let json = try? JSON(parsing: text.bytes) else {
            return text
        }
        return RawJSON(json: plain(json))
    }

    private static func typed(_ members: JSONObject) -> (type: JSON, value: JSON)? {
        guard members.count == 2, let type = members["__type__"], let value = members["__value__"] else { return nil }
        return (type, value)
    }

    private static func plain(_ type: JSON, _ value: JSON) -> String? {
        switch type {
        case "datetime", "date", "time", "decimal", "bytes", "base64": value.stringValue
        case "uuid": value["hex"].stringValue.flatMap(dashed)
        default: nil
        }
    }

    private static func dashed(_ hex: String) -> String? {
        let digits = Array(hex.filter { $0 != "-" })
        guard digits.count == 32, digits.allSatisfy(\.isHexDigit) else { return nil }
        let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
        return groups.map { String(digits[$0]) }.joined(separator: "-")
    }
}

/// Python's JSON, which may contain `NaN`, `Infinity` and `-Infinity`.
package enum PythonJSON {
    /// Parses a text; NaN and infinite numbers become null.
    package static func parse(_ text: [UInt8]) throws(JSONError) -> JSON {
        try JSON(parsing: strict(text))
    }

    /// The text with NaN and infinite numbers replaced by null; usually unchanged.
    package static func strict(_ text: [UInt8]) -> [UInt8] {
        guard text.contains("NaN") || text.contains("Infinity") else { return text }
        return replaced(text)
    }

    private static func replaced(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var place = 0
        var inString = false
        while place < text.count {
            let byte = text[place]
            if !inString, firstBytes.contains(byte), let word = words.first(where: { text[place...].starts(with: $0) })
            {
                result += Array("null".utf8)
                place += word.count
                continue
            }
            if byte == UInt8(ascii: "\"") { inString.toggle() }
            result.append(byte)
            place += 1
            if inString, byte == UInt8(ascii: "\\"), place < text.count {
                result.append(text[place])
                place += 1
            }
        }
        return result
    }

    private static let words = ["NaN", "Infinity", "-Infinity"].map { Array($0.utf8) }
    private static let firstBytes = Set("NI-".utf8)
}

extension [UInt8] {
    /// Whether the bytes contain a word.
    func contains(_ word: StaticString) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        return withUnsafeBufferPointer { text in
            guard let first = word.first, text.count >= word.count else { return false }
            return (0...(text.count - word.count)).contains { start in
                text[start] == first && word.indices.allSatisfy { text[start + $0] == word[$0] }
            }
        }
    }
}
