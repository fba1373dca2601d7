import DashJSON

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

extension DashError.Code {
    /// An id that is neither a text nor an object of constants.
    public static let invalidID = Self(description: "invalid-id")
    /// A value from the browser that is not of the type the callback asks for.
    public static let typeMismatch = Self(description: "type-mismatch")
    /// A request of the browser that does not fit the callback it names.
    public static let invalidRequest = Self(description: "invalid-request")
    /// What a callback returned does not fit its outputs.
    public static let wrongResult = Self(description: "wrong-result")
    /// A header or a cookie that an answer cannot have.
    public static let invalidHeader = Self(description: "invalid-header")
    /// Something of the starting request that was not sent along into a background job.
    public static let notInJob = Self(description: "not-in-job")
    /// Something of one user's request, asked for in a job whose result all users share.
    public static let notInSharedJob = Self(description: "not-in-shared-job")
}

extension DashError {
    static func invalidID(_ json: JSON) -> DashError {
        DashError(
            .invalidID,
            "\(json.excerpt) is no component id: it must be a text, or an object of texts, numbers and booleans."
        )
    }

    static func typeMismatch(_ expected: any Any.Type, _ found: JSON) -> DashError {
        DashError(.typeMismatch, "Expected \(expected), found \(found.excerpt).")
    }
}

extension JSON {
    /// The beginning of the value's text, for messages.
    var excerpt: String { String(decoding: serialized().prefix(80), as: UTF8.self) }
}
