/// An error in JSON text, or a JSON value of an unexpected form.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// The kind of error.
    public enum Code: String, Sendable {
        /// A syntax error.
        case syntax
        /// The text is truncated.
        case unexpectedEnd
        /// Arrays and objects are nested too deeply.
        case tooDeep
        /// The text is not valid UTF-8.
        case invalidUTF8
        /// The value is valid JSON but of another type than expected.
        case mismatch
    }

    /// The kind of error.
    public let code: Code
    /// A message for people.
    public let message: String
    /// The position in the text, in bytes from 0; nil if the error does not refer to text.
    public let byteOffset: Int?

    /// Creates an error; types with their own JSON form throw it with the code `.mismatch`.
    public init(code: Code, message: String, byteOffset: Int? = nil) {
        self.code = code
        self.message = message
        self.byteOffset = byteOffset
    }

    /// The error for a value that is not `expected`, for example "a number".
    public static func mismatch(expected: String, found: JSON) -> JSONError {
        let text = found.text
        let shown = text.count > 60 ? text.prefix(60) + "…" : text[...]
        return JSONError(code: .mismatch, message: "Expected \(expected), found \(shown).")
    }

    /// The message, and the position if known.
    public var description: String {
        guard let byteOffset else { return message }
        return "\(message) (JSON, byte \(byteOffset))"
    }
}
