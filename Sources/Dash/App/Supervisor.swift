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

/// What the supervisor does when its server process ends or a signal arrives, as a value.
///
/// A server that trapped is started again at once, so that pages go on by themselves; one that dies over and over waits
/// longer each time; one that gave up by itself at its start, or was asked to stop, is not started again.
struct SupervisorState: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Equatable {
        case exited(Int32)
        case signalled(Int32)
    }

    /// What the new server is told about the old one.
    enum RestartReason: String, Sendable {
        /// A trap in the server's own process: its jobs are not at fault and run again.
        case trap
        /// Killed from outside: its jobs are lost unless they asked for another attempt.
        case killed
    }

    /// What to do next.
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

    /// Whether somebody asked for the end.
    var isEnding: Bool { endingSignals > 0 }

    /// A signal to end arrived: passed on the first time, a kill from the second on.
    mutating func receivedEndingSignal(_ signal: Int32) -> Action {
        endingSignals += 1
        return endingSignals == 1 ? .passOn(signal: signal) : .kill
    }

    /// The server process ended.
    ///
    /// - Parameters:
    ///   - ending: how.
    ///   - wasReady: whether it had been listening.
    ///   - uptime: how long it ran.
    mutating func serverEnded(_ ending: Ending, wasReady: Bool, uptime: Duration) -> Action {
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

    /// None before the first restart, then doubling from a tenth of a second.
    private var pause: Duration {
        guard quickDeaths > 1 else { return .zero }
        return min(Self.longestPause, .milliseconds(100) * (1 << min(quickDeaths - 2, 10)))
    }

    /// The code a shell would show: 128 and the signal's number for a process that was killed.
    private static func exitCode(of ending: Ending) -> Int32 {
        switch ending {
        case .exited(let code): code
        case .signalled(let signal): 128 + signal
        }
    }
}
