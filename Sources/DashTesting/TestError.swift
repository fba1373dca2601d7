/// An error of a test: an invalid access to the page, or a failure of the app.
public struct TestError: Error, CustomStringConvertible {
    /// The kind of failure; a stable identifier for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// The page has no component with this id.
        public static let unknownComponent = Code(description: "unknown-component")
        /// Neither a component nor a callback uses this property.
        public static let unknownProperty = Code(description: "unknown-property")
        /// The value of a property has another type.
        public static let typeMismatch = Code(description: "type-mismatch")
        /// An id with wildcards where one component is needed, or the reverse.
        public static let pattern = Code(description: "pattern")
        /// The component is disabled, so a user cannot do this.
        public static let disabled = Code(description: "disabled")
        /// A callback failed.
        public static let callback = Code(description: "callback")
        /// The page, its layout or its callbacks could not be loaded.
        public static let load = Code(description: "load")
        /// A clientside callback has no stand-in.
        public static let clientside = Code(description: "clientside")
        /// A callback or job exceeds the test's time limit.
        public static let patience = Code(description: "patience")
        /// The condition that the test waits for cannot be met.
        public static let condition = Code(description: "condition")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence on what happened and what to do.
    public let message: String
    /// The underlying error, if any.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, with the cause in parentheses.
    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
