/// What `onError` is told of a callback that ended without a result.
public struct CallbackFailure: Error, CustomStringConvertible {
    /// How the callback ended.
    public struct Kind: Sendable, Hashable, CustomStringConvertible {
        /// The kind's name.
        public let description: String

        /// A kind by its name.
        public init(_ name: String) { description = name }

        /// The callback threw an error.
        public static let error = Kind("error")
        /// The worker process died in the middle of the job.
        public static let crash = Kind("crash")
        /// No worker process could be started.
        public static let startup = Kind("startup")
        /// The server ended while the job ran.
        public static let lost = Kind("lost")
        /// The time limit passed.
        public static let timedOut = Kind("timedOut")
        /// There was no room in the queue.
        public static let busy = Kind("busy")
        /// The program changed since the job was started.
        public static let incompatible = Kind("incompatible")
        /// The result could not be stored.
        public static let storage = Kind("storage")
        /// The result, or what the job sent, is larger than allowed.
        public static let tooLarge = Kind("tooLarge")
    }

    /// How the callback ended.
    public let kind: Kind
    /// A short name for programs, such as the type of the error that was thrown.
    public let code: String
    /// A sentence for people. It may hold what the program's own errors say: think before you show it to visitors.
    public let message: String
    /// A backtrace or further lines, for developers.
    public let trace: String?
    /// The error itself, where it was thrown in this process.
    public let cause: (any Error)?

    /// A failure.
    ///
    /// - Parameters:
    ///   - kind: How the callback ended.
    ///   - code: A short name for programs.
    ///   - message: A sentence for people.
    ///   - trace: A backtrace or further lines.
    ///   - cause: The error itself.
    public init(kind: Kind, code: String, message: String, trace: String? = nil, cause: (any Error)? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.trace = trace
        self.cause = cause
    }

    /// A failure of an error that was thrown in this process.
    init(_ error: any Error) {
        self.init(kind: .error, code: "\(type(of: error))", message: "\(error)", cause: error)
    }

    /// The kind and the message.
    public var description: String { "\(kind): \(message)" }
}
