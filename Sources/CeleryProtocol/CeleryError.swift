import DashJSON

/// An error of the queue: its address, connection, protocol or messages. A failed task is not a `CeleryError`.
public struct CeleryError: Error, Sendable {
    /// A machine-readable error code.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        private init(_ name: String) {
            description = name
        }

        /// An invalid address (URL) or option.
        public static let option = Code("option")
        /// The server does not respond or refuses the connection.
        public static let unreachable = Code("unreachable")
        /// The server rejects the user, password, virtual host or database.
        public static let refused = Code("refused")
        /// The connection was lost while waiting for a response; the operation may or may not have been performed.
        public static let connectionLost = Code("connectionLost")
        /// The server returned an error to a command.
        public static let server = Code("server")
        /// Received data violates the protocol.
        public static let malformed = Code("malformed")
        /// An unaccepted content type or serialisation.
        public static let contentType = Code("contentType")
        /// No task is registered under this name.
        public static let unknownTask = Code("unknownTask")
    }

    /// The machine-readable code.
    public let code: Code
    /// A human-readable description, with a remedy where there is one.
    public let message: String
    /// The underlying error.
    public let cause: (any Error)?
    /// The ID of the affected task, if known.
    public var taskID: String?

    /// Creates an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension CeleryError: CustomStringConvertible {
    /// The message, followed by the underlying error.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}

extension CeleryError {
    /// Whether a retry cannot succeed.
    package var isLasting: Bool { [.option, .malformed, .contentType, .unknownTask].contains(code) }

    package static func option(_ message: String, cause: (any Error)? = nil) -> CeleryError {
        CeleryError(.option, message, cause: cause)
    }

    package static func unreachable(_ message: String, cause: (any Error)? = nil) -> CeleryError {
        CeleryError(.unreachable, message, cause: cause)
    }

    package static func refused(_ message: String) -> CeleryError { CeleryError(.refused, message) }

    package static func server(_ message: String) -> CeleryError { CeleryError(.server, message) }

    package static func malformed(_ message: String, cause: (any Error)? = nil) -> CeleryError {
        CeleryError(.malformed, message, cause: cause)
    }

    /// Parses JSON; `message` describes an invalid text.
    static func parse<Value>(
        _ message: @autoclosure () -> String,
        _ parse: () throws(JSONError) -> Value
    ) throws(CeleryError) -> Value {
        do { return try parse() } catch { throw .malformed(message(), cause: error) }
    }
}
