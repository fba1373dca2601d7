/// Why a text is not JSON, or a JSON value not of the form asked for.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// The kind of fault.
    public enum Code: String, Sendable {
        /// The text breaks JSON's grammar.
        case syntax
        /// The text ends too early.
        case unexpectedEnd
        /// Arrays and objects are nested deeper than allowed.
        case tooDeep
        /// The text is not valid UTF-8.
        case invalidUTF8
        /// The value is valid JSON but of another type than asked for.
        case mismatch
    }

    /// The kind of fault.
    public let code: Code
    /// A sentence for people.
    public let message: String
    /// Where in the text, counted in bytes from 0; nil if the error is not about a text.
    public let byteOffset: Int?

    /// Makes an error; types with a JSON form of their own throw it with the code `.mismatch`.
    public init(code: Code, message: String, byteOffset: Int? = nil) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
    }

    /// The error for a value that is not what `expected` says, for example "a number".
    public static func mismatch(expected: String, found: JSON) -> JSONError {
        let text = found.text
        let shown = text.count > 60 ? text.prefix(60) + "…" : text[...]
        return JSONError(code: .mismatch, message: "Expected \(expected), found \(shown).")
    }

    /// The sentence, and the place where known.
    public var description: String {
        guard let byteOffset else { return message }
        return "\(message) (JSON, byte \(byteOffset))"
    }
}
