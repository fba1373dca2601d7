import DashJSON

/// Asks something of all workers, without waiting for answers: what a web server does.
struct RemoteControl: Sendable {
    /// How long a request is of interest, seconds: what Celery writes.
    private static let lifetime = 3600.0

    private let broker: any CeleryBroker
    private let clock = LamportClock()

    init(broker: any CeleryBroker) {
        self.broker = broker
    }

    /// Tasks are not to be run any more.
    ///
    /// - Parameters:
    ///   - terminate: Those that run are ended too, by a signal to their process.
    ///   - signal: Its name. Python workers end a task at once by `SIGTERM` and `SIGKILL`.
    /// - Throws: `CeleryError` when the broker cannot be reached.
    func revoke(_ ids: [String], terminate: Bool, signal: String = "SIGTERM") async throws {
        try await send(
            "revoke",
            ["task_id": .array(ids.map { .string($0) }), "terminate": .bool(terminate), "signal": .string(signal)]
        )
    }

    /// Sends a command to all workers, or to those nodes that are named.
    ///
    /// - Throws: `CeleryError` when the broker cannot be reached.
    func send(_ method: String, _ arguments: JSONObject = [:], to destination: [String] = []) async throws {
        let request = ControlRequest(
            method: method,
            arguments: arguments,
            destination: destination,
            clock: clock.forward()
        )
        try await broker.broadcast(request.message(expires: WallClock.now() + Self.lifetime))
    }
}
