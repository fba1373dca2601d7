/// Why a test could not go on: what the page lacks, what a callback failed with, or what was asked in vain.
public struct TestError: Error, CustomStringConvertible {
    /// The kind of failure; stable, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// The page has no component with this id.
        public static let unknownComponent = Code(description: "unknown-component")
        /// No component and no callback knows this property.
        public static let unknownProperty = Code(description: "unknown-property")
        /// A value of a property is of another type than the one that was asked for.
        public static let typeMismatch = Code(description: "type-mismatch")
        /// An id with wildcards stands where one component is needed, or the other way round.
        public static let pattern = Code(description: "pattern")
        /// The component is disabled, so that a person could not do this.
        public static let disabled = Code(description: "disabled")
        /// A callback ended with an error.
        public static let callback = Code(description: "callback")
        /// The page, its layout or its callbacks could not be loaded.
        public static let load = Code(description: "load")
        /// A callback of the browser has no stand-in.
        public static let clientside = Code(description: "clientside")
        /// Something goes on for longer than the test is willing to wait.
        public static let patience = Code(description: "patience")
        /// What the test waits for does not come.
        public static let condition = Code(description: "condition")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence for people, with what to do.
    public let message: String
    /// What caused it, where something else failed first.
    public let cause: (any Error)?

    init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The sentence, and the cause in brackets.
    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
