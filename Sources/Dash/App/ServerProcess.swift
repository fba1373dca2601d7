import CDashSpawn
import Crypto
import Foundation
import Jobs
import Support
import Synchronization

/// The supervisor's view of a server process.
struct ServerProcess: Sendable {
    struct End: Sendable {
        let ending: ExitStatus
        /// Whether it was listening.
        let wasReady: Bool
        let uptime: Duration
        /// Why the process could not be started.
        var startFailure: SystemError?
        /// The runtime's report of a trap, in debug.
        var trap: TrapReport?

        /// A description for the log.
        var sentence: String {
            if let startFailure { return "The server process could not be started: \(startFailure.reason)" }
            return "The server process \(ending)"
        }
    }

    private let handle: ChildHandle

    /// Starts the server process: the same executable with the same arguments.
    ///
    /// - Parameters:
    ///   - restart: Why the previous process ended; nil at the first start.
    ///   - trap: The runtime's report of that.
    ///   - trapFile: The file for the runtime's next report; nil for short reports on the terminal.
    ///   - onEnd: Called once, on its own thread, when the process has ended or could not be started.
    /// - Returns: nil if it could not be started.
    static func start(
        restart: SupervisorState.RestartReason?,
        trap: TrapReport? = nil,
        trapFile: String? = nil,
        onEnd: @escaping @Sendable (End) -> Void
    ) -> ServerProcess? {
        let process: ChildProcess
        do {
            process = try ChildProcess(
                OwnExecutable.path,
                CommandLine.arguments,
                environment: environment(restart, trap, trapFile),
                role: "server",
                hasOutput: false
            )
        } catch {
            // 71 is EX_OSERR of sysexits.h.
            onEnd(End(ending: .exited(71), wasReady: false, uptime: .zero, startFailure: error))
            return nil
        }
        let started = ContinuousClock.now
        Thread.detachNewThread {
            // The process writes a byte when it listens.
            var byte: UInt8 = 0
            let wasReady = dash_read_all(process.channel, &byte, 1)
            process.handle.waitForEnd()
            let ending = process.handle.reap()
            close(process.channel)
            var end = End(ending: ending, wasReady: wasReady, uptime: ContinuousClock.now - started)
            if case .signalled(let signal) = ending {
                end.trap = trapFile.flatMap { TrapReport.take(file: $0, signal: signal) }
            }
            onEnd(end)
        }
        return ServerProcess(handle: process.handle)
    }

    func send(_ signal: Int32) { handle.send(signal) }

    private static func environment(
        _ restart: SupervisorState.RestartReason?,
        _ trap: TrapReport?,
        _ trapFile: String?
    ) -> [String] {
        var environment = ProcessInfo.processInfo.environment
        environment[SupervisedServer.restartVariable] = restart?.rawValue
        environment[TrapReport.variable] = trap?.text
        environment[LaunchID.environmentVariable] = LaunchID.current
        if environment["SWIFT_BACKTRACE"] == nil {
            environment["SWIFT_BACKTRACE"] = SupervisedServer.backtraceSettings(file: trapFile)
            environment[SupervisedServer.ownBacktraceVariable] = "1"
        }
        return environment.map { "\($0.key)=\($0.value)" }
    }

}

/// The server's side of the supervision: reports when it listens, and ends with its supervisor.
enum SupervisedServer {
    /// The reason of a restart, for the new server.
    static let restartVariable = "DASH_SWIFT_RESTART"
    /// Set if the backtrace settings are the supervisor's and not the user's.
    static let ownBacktraceVariable = "DASH_SWIFT_OWN_BACKTRACE"

    /// The settings of the runtime's trap reports.
    ///
    /// - Parameter file: The file of the report; nil is the terminal, with addresses only: symbolication takes seconds,
    ///   while the old process holds the port.
    static func backtraceSettings(file: String?) -> String {
        if let file { return "\(ChildEnvironment.backtraceSettings),output-to=\(file)" }
        return "enable=yes,color=no,interactive=no,threads=crashed,images=none,registers=none,symbolicate=off,limit=16,"
            + "top=0"
    }

    /// Whether this process was started by a supervisor.
    static var isSupervised: Bool {
        dash_spawn_role().map { String(cString: $0) == "server" } ?? false
    }

    /// Removes the settings for this process alone from the environment, so that workers get their own. The runtime has
    /// read them already.
    static func forgetBacktraceSettings() {
        guard isSupervised, getenv(ownBacktraceVariable) != nil else { return }
        unsetenv("SWIFT_BACKTRACE")
        unsetenv(ownBacktraceVariable)
    }

    /// Why the previous server ended; nil at the first start. Removed from the environment.
    static func takeRestartReason() -> SupervisorState.RestartReason? {
        take(restartVariable).flatMap(SupervisorState.RestartReason.init)
    }

    /// The runtime's report of the trap that ended the previous server. Removed from the environment.
    static func takeTrap() -> TrapReport? {
        take(TrapReport.variable).flatMap(TrapReport.init(text:))
    }

    private static func take(_ variable: String) -> String? {
        defer { unsetenv(variable) }
        return getenv(variable).map { String(cString: $0) }
    }

    /// Reports to the supervisor that the server listens.
    static func reportReady() {
        guard isSupervised else { return }
        var byte: UInt8 = 1
        _ = dash_write_all(dash_spawn_channel(), &byte, 1)
    }

    /// Ends this process immediately when the channel to the supervisor closes, that is, when the supervisor was
    /// killed.
    static func endWithSupervisor() {
        guard isSupervised else { return }
        Thread.detachNewThread {
            var byte: UInt8 = 0
            _ = dash_read_all(dash_spawn_channel(), &byte, 1)
            _exit(137)
        }
    }
}

/// The ID of one launch of the program, the same in the server and its worker processes.
enum LaunchID {
    /// Passes the ID to child processes.
    static let environmentVariable = "DASH_SWIFT_LAUNCH_ID"

    private static let known = Mutex<String?>(nil)

    /// The ID from the environment, otherwise a new one; constant for the life of the process.
    static var current: String {
        known.withLock { id in
            let current = id ?? value(of: environmentVariable) ?? make()
            id = current
            return current
        }
    }

    /// Uses the ID that all servers with this build and secret share, unless there is no secret or the ID was read
    /// before.
    static func share() {
        known.withLock { id in
            guard id == nil, value(of: environmentVariable) == nil, let secret = value(of: "DASH_SECRET_KEY") else {
                return
            }
            id = derived(secret: secret, build: BuildID.current)
        }
    }

    /// The ID of all servers with this build and secret. It reveals nothing about the secret.
    static func derived(secret: String, build: String) -> String {
        let key = SymmetricKey(data: Array(secret.utf8))
        let code = HMAC<SHA256>.authenticationCode(for: Array("launch\0\(build)".utf8), using: key)
        let halves = code.withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        return UniqueID(version4: UInt64(bigEndian: halves.0), UInt64(bigEndian: halves.1)).text
    }

    /// A random UUID (version 4) in lower case.
    static func make() -> String { UniqueID.random().text }

    private static func value(of variable: String) -> String? {
        guard let value = getenv(variable).map({ String(cString: $0) }), !value.isEmpty else { return nil }
        return value
    }
}
