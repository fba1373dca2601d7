import DashJSON
import Support

extension CeleryBroker {
    /// Tells all workers that tasks are not to be run any more, without waiting for answers: what a web server does.
    ///
    /// - Parameters:
    ///   - terminate: Those that run are ended too, by a signal to their process.
    ///   - signal: Its name. Python workers end a task at once by `SIGTERM` and `SIGKILL`.
    /// - Throws: `CeleryError` when the broker cannot be reached.
    func revoke(_ ids: [String], terminate: Bool, signal: String = "SIGTERM") async throws {
        let request = ControlRequest(
            method: "revoke",
            arguments: [
                "task_id": .array(ids.map { .string($0) }), "terminate": .bool(terminate), "signal": .string(signal),
            ],
            clock: 1
        )
        // How long Celery writes that a request is of interest: an hour.
        try await broadcast(request.message(expires: WallClock.seconds() + 3600))
    }
}
