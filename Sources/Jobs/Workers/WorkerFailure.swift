/// The failure of a task in a worker.
public struct WorkerFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The task threw an error; its worker continues.
        case error
        /// The worker process ended during the task: a trap, a signal or an exit.
        case crash
        /// No worker process could be started.
        case startup
        /// The worker processes are of another build than this process.
        case incompatible
        /// The task's result or its updates exceed the limit.
        case tooLarge
        /// The task exceeded its time limit; it was stopped, or its process was killed.
        case timedOut
    }

    /// The kind of failure.
    public var kind: Kind
    /// A fixed name for programs, for example `signal`, `exit` or the type of the thrown error.
    public var code: String
    /// A message for people. After a trap it names the signal, the function, and the file and line if known.
    public var message: String
    /// The backtrace, if any: many lines.
    public var trace: String?
    /// The signal that ended the process, if any.
    public var signal: Int32?

    /// Creates a failure. A task may throw one to choose its `code` and `trace`.
    ///
    /// - Parameters:
    ///   - kind: The kind of failure.
    ///   - code: A fixed name for programs.
    ///   - message: A message for people.
    ///   - trace: The backtrace, if any.
    ///   - signal: The signal that ended the process, if any.
    public init(kind: Kind, code: String, message: String, trace: String? = nil, signal: Int32? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.trace = trace
        self.signal = signal
    }

    /// The message.
    public var description: String { message }
}

extension WorkerFailure {
    static func noProcess(_ reason: String) -> WorkerFailure {
        WorkerFailure(kind: .startup, code: "spawn", message: "A worker process could not be started. \(reason)")
    }

    /// A process ended before it was ready.
    static func startup(_ failure: WorkerFailure) -> WorkerFailure {
        guard failure.kind != .startup else { return failure }
        var startFailure = failure
        startFailure.kind = .startup
        startFailure.message = "A worker process ended before it was ready. \(failure.message)"
        return startFailure
    }

    /// A process is of another build.
    static func incompatible(_ buildID: String) -> WorkerFailure {
        WorkerFailure(
            kind: .incompatible,
            code: "build-id",
            message: "The worker processes are of another build than this server (\(buildID)): its executable was "
                + "replaced while it ran. Restart the server."
        )
    }

    /// A second task has the id of an unfinished one.
    static func doubleTask(_ id: String) -> WorkerFailure {
        WorkerFailure(kind: .startup, code: "double-task", message: "A task \(id) is already waiting or running.")
    }

    /// The task threw an error; a `WorkerFailure` is passed on unchanged.
    static func thrown(_ error: any Error) -> WorkerFailure {
        if let failure = error as? WorkerFailure { return failure }
        return WorkerFailure(kind: .error, code: String(reflecting: type(of: error)), message: "\(error)")
    }

    /// The result exceeds the size of a frame.
    static func resultTooLarge(_ count: Int) -> WorkerFailure {
        WorkerFailure(
            kind: .tooLarge,
            code: "result-too-large",
            message: "The result has \(count) bytes; the limit is \(Frame.maximumLength)."
        )
    }

    /// The updates could not be sent fast enough.
    static func updatesTooLarge(_ limit: Int) -> WorkerFailure {
        WorkerFailure(
            kind: .tooLarge,
            code: "updates-too-large",
            message: "The job set properties or progress faster than they could be sent: more than \(limit) bytes "
                + "are pending. Set whole values instead of Patches, or set them less often."
        )
    }
}
