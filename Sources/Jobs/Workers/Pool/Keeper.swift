internal import Logging
internal import NIOCore
internal import Support

/// Keeps one worker from its start to its end, on a thread of its own: no signal handler for ended children is needed,
/// nothing is shared with other users of processes, and the thread lives as long as the worker, as Linux wants it.
struct Keeper: Sendable {
    let worker: WorkerID
    let configuration: WorkerPoolConfiguration
    let loop: any EventLoop
    let logger: Logger
    /// The pool, which is told everything.
    let events: Events

    /// What a keeper tells, always in this order; `ended` in any case.
    struct Events: Sendable {
        var launched: @Sendable (ChildHandle, WorkerOutput) -> Void
        var connected: @Sendable (WorkerConnection) -> Void
        var received: @Sendable (Frame) -> Void
        var disconnected: @Sendable () -> Void
        var ended: @Sendable (WorkerFailure) -> Void
    }

    /// Starts the thread.
    func start() {
        let started = OwnThread.start { events.ended(keep()) }
        if !started { events.ended(.noProcess("The system has no room for another thread.")) }
    }

    /// The whole life of a worker. Returns why it ended.
    private func keep() -> WorkerFailure {
        do {
            let launch = try ChildLaunch(configuration)
            return accompany(launch)
        } catch {
            return .noProcess("\(error)")
        }
    }

    private func accompany(_ launch: ChildLaunch) -> WorkerFailure {
        var logger = logger
        logger[metadataKey: "worker"] = "\(launch.handle.pid)"
        let output = WorkerOutput(logger: logger)
        events.launched(launch.handle, output)
        let connection = connect(launch)
        let reading = try? output.read(launch.output)
        if connection == nil || reading == nil { launch.handle.killGroup() }
        launch.handle.waitForEnd()
        launch.handle.killFamily()  // What is left of it; the number is still ours.
        reading?.finish()
        connection?.drain()
        return CrashReport(end: launch.handle.reap(), output: output.tail).failure
    }

    private func connect(_ launch: ChildLaunch) -> WorkerConnection? {
        try? WorkerConnection(
            launch.socket,
            on: loop,
            handlers: .init(received: events.received, closed: events.disconnected),
            ready: events.connected
        )
    }
}
