/// Something that could not be done with the queue. A task that fails is no such error.
public struct CeleryError: Error, Sendable {
    /// What went wrong, for programs.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        private init(_ name: String) {
            description = name
        }

        /// An address (URL) or an option that is none.
        public static let option = Code("option")
        /// The server does not answer, or refuses the connection.
        public static let unreachable = Code("unreachable")
        /// The server refuses user, password, virtual host or database.
        public static let refused = Code("refused")
        /// The connection was lost while an answer was waited for: nobody knows whether it was done.
        public static let connectionLost = Code("connectionLost")
        /// The server said no to a command.
        public static let server = Code("server")
        /// What came is not what the protocol allows.
        public static let malformed = Code("malformed")
        /// A content type or serialisation that is not accepted.
        public static let contentType = Code("contentType")
        /// There is no task of this name here.
        public static let unknownTask = Code("unknownTask")
    }

    /// What went wrong, for programs.
    public let code: Code
    /// A sentence for people, with what to do where something can be done.
    public let message: String
    /// The error behind it.
    public let cause: (any Error)?
    /// The id of the task that it is about, where one is known.
    public var taskID: String?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension CeleryError: CustomStringConvertible {
    /// The sentence, and the error behind it.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
