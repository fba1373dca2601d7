import DashJSON

/// Values that JSON does not have, as Celery writes them: `{"__type__": "datetime", "__value__": "2026-01-02T03:04:05"}`.
///
/// Swift reads them in plain form: `datetime`, `date` and `time` as their ISO 8601 text, `decimal` as its digits,
/// `uuid` as its usual text with dashes, `bytes` as the text that they are, `base64` as text in base64. Nothing of ours
/// is written in this form.
enum TypedJSON {
    /// Whether a text may hold such a value.
    static func isMarked(_ text: [UInt8]) -> Bool { text.contains("\"__type__\"") }

    /// Checks that every typed value is one that is known.
    ///
    /// - Throws: `CeleryError.malformed` for another, as Python's reader does.
    static func check(_ json: JSON) throws(CeleryError) {
        switch json {
        case .array(let elements):
            for element in elements { try check(element) }
        case .object(let members):
            if let (type, value) = typed(members) {
                guard plain(type, value) != nil else {
                    throw .malformed("The typed value \(json.excerpt) is none that Celery's JSON has.")
                }
            } else {
                for (_, value) in members { try check(value) }
            }
        default: break
        }
    }

    /// The value in plain form. A typed value that is not known stays as it is.
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

    /// The text in plain form: nearly always the text as it is.
    static func plain(_ text: RawJSON) -> RawJSON {
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
