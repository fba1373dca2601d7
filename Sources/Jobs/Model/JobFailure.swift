/// The failure of a job.
public struct JobFailure: Error, Sendable, Hashable {
    /// The kind of failure.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The kind's name, as stored.
        public let rawValue: String

        /// Accepts any name, as a newer version may have stored an unknown one.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Creates a kind from its name.
        public init(_ name: String) { rawValue = name }

        /// The `rawValue`.
        public var description: String { rawValue }

        /// The user's code threw an error; its worker continues.
        public static let error = Kind("error")
        /// The worker process died during the job: a trap, a signal or an exit.
        public static let crash = Kind("crash")
        /// No worker process could be started.
        public static let startup = Kind("startup")
        /// The server ended while the job was running, and the job is not retried.
        public static let lost = Kind("lost")
        /// The time limit was exceeded.
        public static let timedOut = Kind("timedOut")
        /// The queue was full.
        public static let busy = Kind("busy")
        /// The code changed since the job was started, the job's name no longer exists, or the worker processes are of
        /// another build.
        public static let incompatible = Kind("incompatible")
        /// The job's result could not be stored.
        public static let storage = Kind("storage")
        /// The job's result, or what it sent to the page, exceeds the limit.
        public static let tooLarge = Kind("tooLarge")
    }

    /// The kind of failure.
    public var kind: Kind
    /// A short name for programs, for example `signal`, `exit` or the type of the thrown error.
    public var code: String
    /// A message for people. It may contain text of the user's code: show it to developers only. After a trap it names
    /// the signal, the function, and the file and line if known.
    public var message: String
    /// A backtrace or further details, for developers only.
    public var trace: String?

    /// Creates a failure.
    public init(kind: Kind, code: String, message: String, trace: String? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.trace = trace
    }
}

extension JobFailure: CustomStringConvertible {
    /// The kind and the message.
    public var description: String { "\(kind): \(message)" }
}

extension JobFailure {
    /// A start that the manager rejected.
    package init(_ error: JobsError) {
        let isFull = error.code == .busy || error.code == .jobsPerOwner
        let kind: Kind = isFull ? .busy : error.code == .tooLarge ? .tooLarge : .storage
        self.init(kind: kind, code: error.code.description, message: error.message, trace: error.cause.map { "\($0)" })
    }

    static func lost(_ message: String) -> JobFailure {
        JobFailure(kind: .lost, code: "lost", message: message)
    }

    static func tooLarge(_ code: String, _ message: String) -> JobFailure {
        JobFailure(kind: .tooLarge, code: code, message: message)
    }

    /// Whether another attempt may succeed.
    package var allowsRetry: Bool {
        kind == .error || kind == .crash || kind == .lost || kind == .startup
    }

    /// Whether a job with the same code and inputs would fail in the same way.
    package var concernsEqualJobs: Bool {
        kind == .error || kind == .tooLarge || kind == .timedOut || kind == .incompatible
    }
}

/// An error of a job manager: a call failed. A failed job is not such an error; its failure is part of its update.
public struct JobsError: Error, Sendable {
    /// The kind of error.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The code's name.
        public let description: String

        private init(_ name: String) {
            description = name
        }

        /// The queue is full. Try again later.
        public static let busy = Code("busy")
        /// The owner has reached the limit of unfinished jobs.
        public static let jobsPerOwner = Code("jobsPerOwner")
        /// The store could not be read or written; as far as known, nothing was changed.
        public static let storage = Code("storage")
        /// Another process owns the store's folder.
        public static let folderInUse = Code("folderInUse")
        /// The input exceeds the limit.
        public static let tooLarge = Code("tooLarge")
        /// The manager is no longer running.
        public static let stopped = Code("stopped")
    }

    /// The kind of error.
    public let code: Code
    /// A message for people, with a remedy where there is one.
    public let message: String
    /// The underlying error.
    public let cause: (any Error)?

    /// Creates an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension JobsError: CustomStringConvertible {
    /// The message and the underlying error.
    public var description: String {
        cause.map { "\(message) (\($0))" } ?? message
    }
}
