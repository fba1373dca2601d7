import CDashSpawn
import Foundation
package import Jobs
import Support

/// A program started by `dash-swift dev`: the build or the app. It leads its own process group, so that Ctrl-C in a
/// terminal reaches only the tool.
package final class DevelopmentProcess: Sendable {
    /// The role of the started program.
    private static let role = "developed"
    /// The environment variable that makes a program check its configuration and exit instead of serving.
    package static let checkVariable = "DASH_SWIFT_CHECK"
    /// The exit status of a program whose check found errors.
    package static let refused: Int32 = 78  // EX_CONFIG of sysexits.h
    private let handle: ChildHandle

    private init(_ handle: ChildHandle) { self.handle = handle }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: Its file.
    ///   - arguments: The command line, starting with the program's name.
    ///   - environment: Its whole environment.
    ///   - onLine: Called with each printed line; with nil, output goes to this process's streams.
    ///   - onEnd: Called once after it has exited, after the last line.
    /// - Throws: ``DashError`` with code `server` if it cannot be started.
    package static func start(
        _ path: String,
        _ arguments: [String],
        environment: [String: String],
        onLine: (@Sendable (String) -> Void)? = nil,
        onEnd: @escaping @Sendable (ExitStatus) -> Void
    ) throws -> DevelopmentProcess {
        let process: ChildProcess
        do {
            let environment = environment.map { "\($0.key)=\($0.value)" }
            let hasOutput = onLine != nil
            process = try ChildProcess(path, arguments, environment: environment, role: role, hasOutput: hasOutput)
        } catch {
            throw DashError(.server, "\(path) could not be started: \(error.reason).")
        }
        Thread.detachNewThread {
            // Until the program exits; a process that it left behind may keep the pipe open.
            let reading = onLine.flatMap { onLine in
                try? OutputReading(process.output, longestLine: .max) { for line in $1 { onLine(line) } }
            }
            process.handle.waitForEnd()
            reading?.finish()
            close(process.channel)
            onEnd(process.handle.reap())
        }
        return DevelopmentProcess(process.handle)
    }

    /// Sends a signal, if the program still runs.
    package func send(_ signal: Int32) { handle.send(signal) }

    /// Kills the program and its process group.
    package func killGroup() { handle.killGroup() }

    // MARK: - In the program

    /// Whether this process only checks its configuration.
    static var isCheck: Bool { getenv(checkVariable) != nil }

    /// Makes this process exit when the tool that started it exits or is killed. Does nothing in other processes.
    static func endWithTool() {
        guard dash_spawn_role().map({ String(cString: $0) }) == role, dash_spawn_channel() >= 0 else { return }
        Thread.detachNewThread {
            var byte: UInt8 = 0
            _ = dash_read_all(dash_spawn_channel(), &byte, 1)
            kill(getpid(), SIGTERM)
        }
    }
}
