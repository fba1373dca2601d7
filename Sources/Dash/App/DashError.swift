import DashJSON

/// An error in the setup or the running of an app: a code, a message that says what to do, and the cause.
public struct DashError: Error, CustomStringConvertible {
    /// The kind of failure; stable, so that programs can match it.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's text.
        public let description: String

        /// The data folder cannot be created, read or written.
        public static let dataFolder = Code(description: "data-folder")
        /// The secret is missing, too short or unreadable.
        public static let secret = Code(description: "secret")
        /// An option on the command line or in the environment is invalid.
        public static let option = Code(description: "option")
        /// The app's callbacks or layout contain mistakes.
        public static let findings = Code(description: "findings")
        /// The server cannot listen on the address.
        public static let address = Code(description: "address")
        /// Two apps are mounted at the same path, or a mount path is invalid.
        public static let mount = Code(description: "mount")
        /// The server process ended, and a restart would not help.
        public static let server = Code(description: "server")
    }

    /// The kind of failure.
    public let code: Code
    /// What is wrong, and what to do.
    public let message: String
    /// The underlying error, if any.
    public let cause: (any Error)?

    /// Creates an error from its code, message and cause.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The message, followed by the cause in parentheses.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}

extension DashError.Code {
    /// An id that is neither a string nor an object of constants.
    public static let invalidID = Self(description: "invalid-id")
    /// A value from the browser that does not have the type the callback expects.
    public static let typeMismatch = Self(description: "type-mismatch")
    /// A request from the browser that does not match its callback.
    public static let invalidRequest = Self(description: "invalid-request")
    /// A callback's result that does not match its outputs.
    public static let wrongResult = Self(description: "wrong-result")
    /// A header or cookie that a response cannot have.
    public static let invalidHeader = Self(description: "invalid-header")
    /// A part of the starting request that was not passed to the background job.
    public static let notInJob = Self(description: "not-in-job")
    /// A part of one user's request, read in a job whose result all users share.
    public static let notInSharedJob = Self(description: "not-in-shared-job")

    /// Text that is not valid CSV.
    public static let csv = Self(description: "csv")
    /// A file that cannot be read.
    public static let file = Self(description: "file")
    /// An uploaded file that cannot be read, or is larger than allowed.
    public static let upload = Self(description: "upload")
}

extension DashError {
    static func invalidID(_ json: JSON) -> DashError {
        DashError(
            .invalidID,
            "Invalid component id \(json.excerpt). Use a string, or an object of strings, numbers and booleans."
        )
    }

    static func typeMismatch(_ expected: any Any.Type, _ found: JSON) -> DashError {
        DashError(.typeMismatch, "Expected \(expected), found \(found.excerpt).")
    }

    /// The error of `worker` on a site without a queue.
    static let noQueue = DashError(
        .option,
        "This site has no queue, so a worker has no jobs to run: the server runs them itself. To use "
            + "workers, create the site with a queue, such as DashSite(jobs: CeleryManager(…)); for "
            + "CeleryManager.fromEnvironment(), set REDIS_URL, or CELERY_BROKER_URL and CELERY_RESULT_BACKEND."
    )
}
