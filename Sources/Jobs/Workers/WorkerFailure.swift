/// The failure of a task in a worker. A task may throw one to choose its `code` and `trace`.
public typealias WorkerFailure = JobFailure

extension JobFailure {
    /// The texts of its frame.
    var texts: [String] { [kind.rawValue, code, message, trace ?? ""] }

    static func noProcess(_ reason: String) -> JobFailure {
        JobFailure(kind: .startup, code: "spawn", message: "A worker process could not be started. \(reason)")
    }

    /// A process ended before it was ready.
    static func startup(_ failure: JobFailure) -> JobFailure {
        guard failure.kind != .startup else { return failure }
        var startFailure = failure
        startFailure.kind = .startup
        startFailure.message = "A worker process ended before it was ready. \(failure.message)"
        return startFailure
    }

    /// A process is of another build.
    static func incompatible(_ buildID: String) -> JobFailure {
        JobFailure(
            kind: .incompatible,
            code: "build-id",
            message: "The worker processes are of another build than this server (\(buildID)): its executable was "
                + "replaced while it ran. Restart the server."
        )
    }

    /// A second task has the id of an unfinished one.
    static func doubleTask(_ id: String) -> JobFailure {
        JobFailure(kind: .startup, code: "double-task", message: "A task \(id) is already waiting or running.")
    }

    /// The task threw an error; a `JobFailure` is passed on unchanged.
    static func thrown(_ error: any Error) -> JobFailure {
        if let failure = error as? JobFailure { return failure }
        return JobFailure(kind: .error, code: String(reflecting: type(of: error)), message: "\(error)")
    }

    /// The result exceeds the size of a frame.
    static func resultTooLarge(_ count: Int) -> JobFailure {
        .tooLarge("result-too-large", "The result has \(count) bytes; the limit is \(Frame.maximumLength).")
    }

    /// The updates could not be sent fast enough.
    static func updatesTooLarge(_ limit: Int) -> JobFailure {
        .tooLarge(
            "updates-too-large",
            "The job set properties or progress faster than they could be sent: more than \(limit) bytes are pending. "
                + "Set whole values instead of Patches, or set them less often."
        )
    }
}
