import Jobs
import Logging
import ServiceLifecycle
import UnixSignals

/// Keeps the server process running: starts it, forwards signals, and restarts it after a trap.
///
/// A trap in a regular callback ends its process. The supervisor serves the port again within moments, and the page's
/// script retries meanwhile.
struct Supervisor: Sendable {
    private enum Event: Sendable {
        case signal(Int32)
        case ended(ServerProcess.End)
        case start(SupervisorState.RestartReason, TrapReport?)
    }

    let logger: Logger
    /// The file for the runtime's report of a trap, shown to pages in debug; nil in production.
    var trapFile: String?

    /// Runs server processes until one ends that is not to be restarted.
    ///
    /// - Returns: The exit code for this process.
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
                    if code != 0, !state.isEnding { logger.error("\(end.sentence); the supervisor stops") }
                    return code
                case .restart(let pause, let reason):
                    logEnd(end, pause)
                    group.addTask {
                        // The first restart has no delay.
                        try? await Task.sleep(for: pause)
                        continuation.yield(.start(reason, end.trap))
                    }
                case .kill, .passOn: break
                }
            }
        }
        return 0
    }

    private func logEnd(_ end: ServerProcess.End, _ pause: Duration) {
        let more =
            end.trap.map { "\($0.message)\n\($0.trace)" }
            ?? "To see function names in its backtrace, at the cost of a slower restart, set SWIFT_BACKTRACE=enable=yes"
        logger.warning("\(end.sentence); restarting it. \(more)", metadata: ["pause": "\(pause)"])
    }

    private func perform(_ action: SupervisorState.Action, on server: ServerProcess?) {
        switch action {
        case .passOn(let signal): server?.send(signal)
        case .kill: server?.send(9)
        case .restart, .exit: break
        }
    }
}

/// The state machine of the supervisor: takes signals and exits of the server, returns actions.
///
/// After a trap the server restarts immediately, so that pages continue. Repeated crashes increase the delay. A server
/// that fails at its start, or that was asked to stop, is not restarted.
struct SupervisorState: Sendable {
    /// The reason for a restart, passed to the new server.
    enum RestartReason: String, Sendable {
        /// A trap in the server process: the jobs did not cause it and run again.
        case trap
        /// Killed from outside: jobs without retries are lost.
        case killed
    }

    enum Action: Sendable, Equatable {
        case restart(after: Duration, reason: RestartReason)
        case passOn(signal: Int32)
        case kill
        case exit(Int32)
    }

    private static let trapSignals: Set<Int32> = [4, 5, 6, 7, 8, 11]  // ILL, TRAP, ABRT, BUS, FPE, SEGV
    private static let longestPause = Duration.seconds(5)
    private static let calmAfter = Duration.seconds(10)
    private var endingSignals = 0
    private var quickDeaths = 0

    /// Whether a signal to end was received.
    var isEnding: Bool { endingSignals > 0 }

    /// Forwards the first signal to end; kills the server on the second.
    mutating func receivedEndingSignal(_ signal: Int32) -> Action {
        endingSignals += 1
        return endingSignals == 1 ? .passOn(signal: signal) : .kill
    }

    /// Decides what follows the end of the server process.
    ///
    /// - Parameters:
    ///   - ending: How the process ended.
    ///   - wasReady: Whether it was listening.
    ///   - uptime: How long it ran.
    mutating func serverEnded(_ ending: ExitStatus, wasReady: Bool, uptime: Duration) -> Action {
        if endingSignals > 0 { return .exit(Self.exitCode(of: ending)) }
        switch ending {
        case .exited(0): return .exit(0)
        case .exited(let code) where !wasReady || uptime < Self.calmAfter: return .exit(code)
        case .exited, .signalled: break
        }
        quickDeaths = wasReady && uptime >= Self.calmAfter ? 0 : quickDeaths + 1
        if !wasReady && quickDeaths > 5 { return .exit(Self.exitCode(of: ending)) }
        let reason: RestartReason =
            if case .signalled(let signal) = ending, Self.trapSignals.contains(signal) { .trap } else { .killed }
        return .restart(after: pause, reason: reason)
    }

    /// The delay: none before the first restart, then doubling from 0.1 s.
    private var pause: Duration {
        guard quickDeaths > 1 else { return .zero }
        return min(Self.longestPause, .milliseconds(100) * (1 << min(quickDeaths - 2, 10)))
    }

    /// The shell's exit code: 128 plus the signal number for a killed process.
    private static func exitCode(of ending: ExitStatus) -> Int32 {
        switch ending {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}
