/// What a job manager throws: a call that could not be done. A job that fails is no such error; its failure is in its news.
public struct JobsError: Error, Sendable {
    /// What went wrong, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        private init(_ name: String) {
            description = name
        }

        /// The queue is full. Try again later.
        public static let busy = Code("busy")
        /// The owner has as many unfinished jobs as one owner may have.
        public static let jobsPerOwner = Code("jobsPerOwner")
        /// The store could not read or write; nothing was changed, as far as anybody can tell.
        public static let storage = Code("storage")
        /// Another process owns the store's folder.
        public static let folderInUse = Code("folderInUse")
        /// What was given is larger than allowed.
        public static let tooLarge = Code("tooLarge")
        /// The manager is not running any more.
        public static let stopped = Code("stopped")
    }

    /// What went wrong, for programs.
    public let code: Code
    /// A sentence for people, with what to do where something can be done.
    public let message: String
    /// The error behind it.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension JobsError: CustomStringConvertible {
    /// The sentence, and the error behind it.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
