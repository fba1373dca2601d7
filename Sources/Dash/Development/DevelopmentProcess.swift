import CDashSpawn
import Dispatch
import Foundation
package import Jobs

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

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

    private init(_ handle: ChildHandle) {
        self.handle = handle
    }

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
        var channel: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard dash_socket_pair(&channel) == 0, onLine == nil || dash_pipe(&output) == 0 else {
            throw failure(path, errno)
        }
        let (ours, theirs, lines) = (channel[0], channel[1], output[0])
        var process = pid_t()
        let failed = spawn(path, arguments, environment, channel: theirs, output: output[1], &process)
        close(theirs)
        if output[1] >= 0 { close(output[1]) }
        guard failed == 0 else {
            close(ours)
            if lines >= 0 { close(lines) }
            throw failure(path, failed)
        }
        let handle = ChildHandle(pid: process)
        Thread.detachNewThread {
            if let onLine { relay(lines, of: handle, onLine) } else { handle.waitForEnd() }
            close(ours)
            onEnd(handle.reap())
        }
        return DevelopmentProcess(handle)
    }

    /// Sends a signal, if the program still runs.
    package func send(_ signal: Int32) { handle.send(signal) }

    /// Kills the program and its process group.
    package func killGroup() { handle.killGroup() }

    /// Relays the output until the program exits; a process that it left behind may keep the pipe open.
    private static func relay(_ pipe: Int32, of handle: ChildHandle, _ onLine: @escaping @Sendable (String) -> Void) {
        var stop: [Int32] = [-1, -1]
        let done = DispatchSemaphore(value: 0)
        guard dash_pipe(&stop) == 0 else { return handle.waitForEnd() }
        let (stopped, stopper) = (stop[0], stop[1])
        Thread.detachNewThread {
            readLines(pipe, until: stopped, onLine)
            done.signal()
        }
        handle.waitForEnd()
        close(stopper)
        done.wait()
        close(stopped)
        close(pipe)
    }

    private static func readLines(_ pipe: Int32, until stop: Int32, _ onLine: (String) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        var rest: [UInt8] = []
        while case let count = dash_read_until_stopped(pipe, stop, &buffer, buffer.count), count > 0 {
            rest += buffer[..<count]
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                onLine(String(decoding: rest[..<end], as: UTF8.self))
                rest.removeFirst(end + 1)
            }
        }
        if !rest.isEmpty { onLine(String(decoding: rest, as: UTF8.self)) }
    }

    private static func spawn(
        _ path: String,
        _ arguments: [String],
        _ environment: [String: String],
        channel: Int32,
        output: Int32,
        _ process: inout pid_t
    ) -> Int32 {
        withCStrings(arguments) { arguments in
            withCStrings(environment.map { "\($0.key)=\($0.value)" }) { environment in
                path.withCString { path in
                    role.withCString { role in
                        var request = dash_spawn_request(
                            path: path,
                            arguments: arguments,
                            environment: environment,
                            role: role,
                            output: output,
                            channel: channel,
                            own_group: true,
                            null_input: true
                        )
                        return dash_spawn(&request, &process)
                    }
                }
            }
        }
    }

    private static func failure(_ path: String, _ number: Int32) -> DashError {
        DashError(.server, "\(path) could not be started: \(String(cString: strerror(number))).")
    }

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
