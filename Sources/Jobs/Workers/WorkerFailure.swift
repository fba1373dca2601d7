/// Why a task failed in a worker.
public struct WorkerFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The sorts of failure.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The work threw an error; its worker lives on.
        case error
        /// The worker's process ended in the middle of the work: a trap, a signal, `exit`.
        case crash
        /// No worker process could be started.
        case startup
        /// The worker processes are of another build than this process.
        case incompatible
        /// The work's result, or what it told on the way, is larger than can be sent.
        case tooLarge
        /// The work took longer than its time limit; its process was killed, or it ended when it was told.
        case timedOut
    }

    /// What sort of failure it is.
    public var kind: Kind
    /// A fixed word or type name to decide by, for example `signal`, `exit` or the name of the thrown error's type.
    public var code: String
    /// One sentence for people. After a trap it names the signal, the function and the file and line, as far as known.
    public var message: String
    /// The backtrace, where there is one: many lines.
    public var trace: String?
    /// The signal that ended the process, where there was one.
    public var signal: Int32?

    /// Describes a failure. Work may throw one to choose its own `code` and `trace`.
    ///
    /// - Parameters:
    ///   - kind: What sort of failure it is.
    ///   - code: A fixed word to decide by.
    ///   - message: One sentence for people.
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
    /// No process could be started.
    static func noProcess(_ reason: String) -> WorkerFailure {
        WorkerFailure(kind: .startup, code: "spawn", message: "A worker process could not be started. \(reason)")
    }

    /// A process was started and ended before it was ready.
    static func startup(_ failure: WorkerFailure) -> WorkerFailure {
        guard failure.kind != .startup else { return failure }
        var told = failure
        told.kind = .startup
        told.message = "A worker process ended before it was ready for work. \(failure.message)"
        return told
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

    /// Two tasks at once have the same name.
    static func doubleTask(_ id: String) -> WorkerFailure {
        WorkerFailure(kind: .startup, code: "double-task", message: "A task \(id) is waiting or running already.")
    }
}
