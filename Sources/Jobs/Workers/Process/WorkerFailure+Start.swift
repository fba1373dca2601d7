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
