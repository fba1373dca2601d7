/// What went wrong in the set-up or running of an app, as a code, a sentence that says what to do, and the cause.
public struct DashError: Error, CustomStringConvertible {
    /// The kind of failure; stable, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// The data folder cannot be made, read or written.
        public static let dataFolder = Code(description: "data-folder")
        /// The secret is missing, too short or unreadable.
        public static let secret = Code(description: "secret")
        /// An option on the command line or in the environment has no valid value.
        public static let option = Code(description: "option")
        /// The app's callbacks or layout cannot be served as they were written.
        public static let findings = Code(description: "findings")
        /// The address cannot be listened on.
        public static let address = Code(description: "address")
        /// Two apps were mounted at the same path, or at a path that is not one.
        public static let mount = Code(description: "mount")
        /// The server process ended in a way that a restart would not mend.
        public static let server = Code(description: "server")
    }

    /// The kind of failure.
    public let code: Code
    /// A sentence for people.
    public let message: String
    /// What caused it, where something else failed first.
    public let cause: (any Error)?

    /// Makes an error of a kind, with its sentence and cause.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The sentence, and the cause in brackets.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
