/// Why a job ended without a result.
public struct JobFailure: Error, Sendable, Hashable {
    /// What sort of failure it was.
    public struct Kind: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
        /// The kind's name, as stored.
        public let rawValue: String

        /// Takes any name; a newer version may have stored one that is unknown here.
        public init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// The same as `rawValue`.
        public var description: String { rawValue }

        /// The user's code threw an error.
        public static let error = Kind(rawValue: "error")
        /// The worker process died: a trap, a signal, an exit in the middle of the job.
        public static let crash = Kind(rawValue: "crash")
        /// No worker process could be started.
        public static let startup = Kind(rawValue: "startup")
        /// The server ended while the job was running, and the job was not to be tried again.
        public static let lost = Kind(rawValue: "lost")
        /// The time limit passed.
        public static let timedOut = Kind(rawValue: "timedOut")
        /// There was no room in the queue.
        public static let busy = Kind(rawValue: "busy")
        /// The code changed since the job was started, or no longer has a job of this name.
        public static let incompatible = Kind(rawValue: "incompatible")
        /// The job's result could not be stored.
        public static let storage = Kind(rawValue: "storage")
        /// What the job sent to the page, or its result, is larger than allowed.
        public static let tooLarge = Kind(rawValue: "tooLarge")
    }

    /// What sort of failure it was.
    public var kind: Kind
    /// A short name for programs, for example the type of the error that was thrown.
    public var code: String
    /// A sentence for people. It may hold what the user's code said: show it to developers only.
    public var message: String
    /// A backtrace or further lines, for developers only.
    public var trace: String?

    /// Makes a failure.
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
