import Logging
import ServiceLifecycle
import UnixSignals

/// Keeps the server process running: starts it, passes signals on, and starts it again after a trap.
///
/// A trap in a regular callback ends the process it runs in. Under the supervisor that is not the end of the site:
/// the port is served again within moments, and the pages' own script bridges the gap.
struct Supervisor: Sendable {
    private enum Event: Sendable {
        case signal(Int32)
        case ended(ServerProcess.End)
        case start(SupervisorState.RestartReason, TrapReport?)
    }

    let logger: Logger
    /// Where the runtime writes of a trap, for the pages of somebody who develops; nil in production.
    var trapFile: String?

    /// Runs server processes until one ends for good.
    ///
    /// - Returns: the code for this process to exit with.
    func run() async -> Int32 {
        let (events, continuation) = AsyncStream<Event>.makeStream()
        return await withTaskGroup(of: Void.self, returning: Int32.self) { group in
            group.addTask {
                for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    continuation.yield(.signal(signal.rawValue))
                }
            }
            let code = await supervise(events, continuation, &group)
            group.cancelAll()
            return code
        }
    }

    private func supervise(
        _ events: AsyncStream<Event>,
        _ continuation: AsyncStream<Event>.Continuation,
        _ group: inout TaskGroup<Void>
    ) async -> Int32 {
        var state = SupervisorState()
        var server = ServerProcess.start(restart: nil, trapFile: trapFile) { continuation.yield(.ended($0)) }
        for await event in events {
            switch event {
            case .start(let reason, let trap):
                server = ServerProcess.start(restart: reason, trap: trap, trapFile: trapFile) {
                    continuation.yield(.ended($0))
                }
            case .signal(let signal):
                perform(state.receivedEndingSignal(signal), on: server)
                if server == nil { return 128 + signal }
            case .ended(let end):
                server = nil
                switch state.serverEnded(end.ending, wasReady: end.wasReady, uptime: end.uptime) {
                case .exit(let code):
                    if code != 0, !state.isEnding { logger.error("\(end.sentence); the supervisor gives up") }
                    return code
                case .restart(let pause, let reason):
                    tell(end, pause)
                    group.addTask {
                        // A back-off, and none before the first restart.
                        try? await Task.sleep(for: pause)
                        continuation.yield(.start(reason, end.trap))
                    }
                case .kill, .passOn: break
                }
            }
        }
        return 0
    }

    private func tell(_ end: ServerProcess.End, _ pause: Duration) {
        let more =
            end.trap.map { "\($0.message)\n\($0.trace)" }
            ?? "For the names of the functions in its backtrace, and a slower restart, set SWIFT_BACKTRACE=enable=yes"
        logger.warning("\(end.sentence); it is started again. \(more)", metadata: ["pause": "\(pause)"])
    }

    private func perform(_ action: SupervisorState.Action, on server: ServerProcess?) {
        switch action {
        case .passOn(let signal): server?.send(signal)
        case .kill: server?.send(9)
        case .restart, .exit: break
        }
    }
}

extension UnixSignal {
    fileprivate var rawValue: Int32 { self == .sigint ? 2 : 15 }
}
