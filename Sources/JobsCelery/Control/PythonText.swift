import DashJSON

/// Values as Python's `repr` writes them, for answers that hold such texts.
///
/// `PythonRepr` is another thing: Celery's own cut and simplified way of showing arguments.
enum PythonText {
    /// Any value: `{'a': [1, True, None]}`.
    static func of(_ json: JSON) -> String {
        switch json {
        case .null: "None"
        case .bool(let value): value ? "True" : "False"
        case .int(let number): String(number)
        case .double(let number): number.description
        case .string(let text): quoted(text)
        case .array(let elements): "[\(elements.map(of).joined(separator: ", "))]"
        case .object(let object):
            "{\(object.map { "\(quoted($0.key)): \(of($0.value))" }.joined(separator: ", "))}"
        }
    }

    /// A text in single quotes, or in double ones if it has single ones inside.
    static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar = text.contains("'") && !text.contains("\"") ? "\"" : "'"
        var result = String(quote)
        for scalar in text.unicodeScalars {
            result += escape(scalar, quote: quote) ?? String(scalar)
        }
        return result + String(quote)
    }

    private static func escape(_ scalar: Unicode.Scalar, quote: Unicode.Scalar) -> String? {
        switch scalar {
        case "\\": return "\\\\"
        case quote: return "\\\(quote)"
        case "\n": return "\\n"
        case "\r": return "\\r"
        case "\t": return "\\t"
        default:
            let isShown = scalar == " " || !Self.hidden.contains(scalar.properties.generalCategory)
            return isShown ? nil : escape(scalar.value)
        }
    }

    private static let hidden: Set<Unicode.GeneralCategory> = [
        .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator,
    ]

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        let (letter, count) = value < 0x100 ? ("x", 2) : value < 0x1_0000 ? ("u", 4) : ("U", 8)
        return "\\\(letter)\(String(repeating: "0", count: count - digits.count))\(digits)"
    }
}
