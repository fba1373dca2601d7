package import DashJSON

/// Values in the format of Python's `repr`, for replies of remote control.
///
/// For arguments see `PythonRepr`, which follows Celery's abbreviated format.
package enum PythonText {
    /// Any value: `{'a': [1, True, None]}`.
    package static func of(_ json: JSON) -> String {
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

    /// A text in single quotes, or in double quotes if it contains only single ones.
    package static func quoted(_ text: String) -> String {
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

/// An error of a remote control command, which a reply shows as Python text: `KeyError('no_such')`.
package struct PythonError: Error, Hashable {
    var kind: String
    var argument: String
    /// Precedes ``text`` if the command catches the error itself.
    package var introduction = ""

    package init(kind: String, argument: String, introduction: String = "") {
        self.kind = kind
        self.argument = argument
        self.introduction = introduction
    }

    package static func value(_ message: String) -> PythonError { PythonError(kind: "ValueError", argument: message) }

    package static func type(_ message: String) -> PythonError { PythonError(kind: "TypeError", argument: message) }

    package static func key(_ key: String) -> PythonError { PythonError(kind: "KeyError", argument: key) }

    /// The reply: the introduction and ``text``.
    package var answer: String { introduction + text }

    /// `KeyError('no_such')`
    package var text: String { "\(kind)(\(PythonText.quoted(argument)))" }
}

// MARK: - Null

extension JSON {
    package static func string(orNull text: String?) -> JSON {
        text.map { .string($0) } ?? .null
    }

    package static func int(orNull number: Int?) -> JSON {
        number.map { .int($0) } ?? .null
    }

    package static func double(orNull number: Double?) -> JSON {
        number.map { .double($0) } ?? .null
    }
}

/// JSON as Celery displays arguments: `(1, {'y': True})`, cut after 1024 characters and three levels. Only the
/// displayed part of a large text is read.
package enum PythonRepr {
    /// The approximate limit, in characters.
    static let length = 1024

    /// An array as a Python tuple.
    package static func ofArguments(_ text: RawJSON, length: Int = length) -> String {
        show(text, length, isTuple: true)
    }

    package static func of(_ text: RawJSON, length: Int = length) -> String {
        show(text, length, isTuple: false)
    }

    static func of(_ json: JSON, length: Int = length) -> String {
        of(RawJSON(json: json), length: length)
    }

    private static func show(_ text: RawJSON, _ length: Int, isTuple: Bool) -> String {
        text.bytes.withUnsafeBufferPointer { buffer in
            var shower = PythonShower(buffer, length: length)
            return shower.show(isTuple: isTuple)
        }
    }
}

private struct PythonShower: ~Copyable {
    private static let levels = 3

    private var scanner: JSONScanner
    private var result = ""
    private var lengthLeft: Int
    /// The closing brackets of the open containers.
    private var closers: [String] = []
    /// Whether the limit was reached and all brackets are closed.
    private var isFull = false
    /// Where the elements of the tuple begin, if the value is a tuple.
    private var tupleStart: Int?

    init(_ text: UnsafeBufferPointer<UInt8>, length: Int) {
        scanner = JSONScanner(text)
        lengthLeft = length
    }

    mutating func show(isTuple: Bool) -> String {
        // For invalid JSON the readable part is shown.
        try? value(isTuple: isTuple)
        return result
    }

    private mutating func value(isTuple: Bool = false) throws(JSONError) {
        scanner.skipSpace()
        let start = scanner.place
        switch scanner.current {
        case UInt8(ascii: "["): try isTuple ? container("(", ")", isTuple: true) : container("[", "]")
        case UInt8(ascii: "{"): try container("{", "}")
        case UInt8(ascii: "\""):
            try scanner.string()
            emit(try quoted(start..<scanner.place))
        default:
            try scanner.value()
            emit(truncated(Self.word(scanner.text[start..<scanner.place])))
        }
    }

    private mutating func container(
        _ opener: String,
        _ closer: String,
        isTuple: Bool = false
    ) throws(JSONError) {
        if closers.count >= Self.levels {
            try scanner.value()
            return emit("\(opener)...\(closer)")
        }
        emit(opener)
        if isFull { return }
        scanner.place += 1
        if isTuple { tupleStart = scanner.place }
        closers.append(closer)
        let count = try elements(isObject: opener == "{")
        if isFull { return }
        closers.removeLast()
        emit(isTuple && count == 1 ? ",)" : closer, isClosing: true)
    }

    /// Shows the elements up to the closing bracket; returns their number.
    private mutating func elements(isObject: Bool) throws(JSONError) -> Int {
        scanner.skipSpace()
        let end = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        if scanner.take(end) { return 0 }
        var count = 0
        repeat {
            if count > 0 { emit(", ") }
            if isObject { try key() }
            if isFull { return count }
            try value()
            if isFull { return count }
            count += 1
            scanner.skipSpace()
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(end)
        return count
    }

    private mutating func key() throws(JSONError) {
        scanner.skipSpace()
        emit(try quoted(scanner.key()))
        emit(": ")
    }

    private mutating func emit(_ text: String, isClosing: Bool = false) {
        guard !isFull else { return }
        if lengthLeft > 0 || isClosing {
            result += text
            if !isClosing || lengthLeft > 0 { lengthLeft -= text.unicodeScalars.count }
            return
        }
        isFull = true
        result += ", ..."
        for (level, closer) in closers.enumerated().reversed() {
            result += level == 0 && tupleStart != nil && isSingle ? ",)" : closer
        }
    }

    /// Whether the tuple has one element; computed only if the text was cut inside it.
    private var isSingle: Bool {
        guard let tupleStart else { return false }
        var scanner = JSONScanner(scanner.text)
        scanner.place = tupleStart
        scanner.skipSpace()
        guard (try? scanner.value()) != nil else { return false }
        scanner.skipSpace()
        return scanner.current == UInt8(ascii: "]")
    }

    private func quoted(_ place: Range<Int>) throws(JSONError) -> String {
        let text = truncated(try scanner.prefix(ofStringAt: place, characters: lengthLeft))
        return "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "\\'"))'"
    }

    /// The text or, if it does not fit, its beginning up to the last space.
    private func truncated(_ text: String) -> String {
        guard lengthLeft > 0, text.unicodeScalars.count >= lengthLeft else { return text }
        let kept = text.unicodeScalars.prefix(lengthLeft)
        let words = kept.lastIndex(of: " ").map { kept[..<$0] } ?? kept
        return String(words) + "..."
    }

    private static func word(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> String {
        let word = String(decoding: text, as: UTF8.self)
        switch word {
        case "true": return "True"
        case "false": return "False"
        case "null": return "None"
        default:
            let isFloat = word.contains { ".eE".contains($0) }
            return isFloat ? Double(word).map(float) ?? word : word
        }
    }

    /// Swift switches to exponents at 2⁵³, Python at 10¹⁶.
    private static func float(_ number: Double) -> String {
        let isBetween = (9_007_199_254_740_992..<1e16).contains(abs(number))
        return isBetween ? "\(Int64(number)).0" : number.description
    }
}
