import CDashSpawn
import Support
import Synchronization

/// A started process with this process's ends of its channel and its output.
package struct ChildProcess: Sendable {
    package let handle: ChildHandle
    package let channel: Int32
    /// -1 if the process writes to the streams of this process.
    package let output: Int32

    /// Starts a process that leads its own group and reads no input. The calling thread must live as long as a worker:
    /// on Linux the worker ends with it.
    ///
    /// - Parameters:
    ///   - path: The program.
    ///   - arguments: The command line, starting with the program's name.
    ///   - environment: The whole environment.
    ///   - role: What the process is; see `dash_spawn_role`.
    ///   - hasOutput: Whether its output goes to a pipe.
    /// - Throws: ``SystemError`` if the program cannot be run or resources are exhausted.
    package init(
        _ path: String,
        _ arguments: [String],
        environment: [String],
        role: String,
        hasOutput: Bool
    ) throws(SystemError) {
        let channel = try DescriptorPair("Making a socket pair", dash_socket_pair)
        var pipe: DescriptorPair?
        var pid: pid_t = 0
        do {
            if hasOutput { pipe = try DescriptorPair("Making a pipe", dash_pipe) }
            let failed = withCStrings([path, role]) { names in
                withCStrings(arguments) { arguments in
                    withCStrings(environment) { environment in
                        var request = dash_spawn_request(
                            path: names[0]!,
                            arguments: arguments,
                            environment: environment,
                            role: names[1],
                            output: pipe?.second ?? -1,
                            channel: channel.second,
                            own_group: true,
                            null_input: true
                        )
                        return dash_spawn(&request, &pid)
                    }
                }
            }
            try SystemError.check(failed, "Starting \(path)")
        } catch {
            channel.closeBoth()
            pipe?.closeBoth()
            throw error
        }
        handle = ChildHandle(pid: pid)
        close(channel.second)
        self.channel = channel.first
        output = pipe?.first ?? -1
        guard let pipe else { return }
        close(pipe.second)
        dash_set_nonblocking(pipe.first)
    }
}

/// A pair of connected descriptors.
struct DescriptorPair: Sendable {
    let first: Int32
    let second: Int32

    /// Creates a pair with a C function.
    init(_ attempt: String, _ make: (UnsafeMutablePointer<Int32>) -> Int32) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        try SystemError.check(make(&ends), attempt)
        (first, second) = (ends[0], ends[1])
    }

    func closeBoth() {
        close(first)
        close(second)
    }
}

/// A child process that leads its own group. It can be signalled only until `reap`, as its pid may be reused
/// afterwards.
package final class ChildHandle: Sendable {
    /// The process id, reserved until `reap`.
    let pid: Int32
    private let isReaped = Mutex(false)

    init(pid: Int32) { self.pid = pid }

    /// Kills the process group. No effect after ``reap()``.
    package func killGroup() { unlessReaped { kill(-pid, SIGKILL) } }

    /// Sends a signal to the process, not to its group. No effect after ``reap()``.
    package func send(_ signal: Int32) { unlessReaped { kill(pid, signal) } }

    /// Kills the group and all other processes of the session that the process leads, except those that created their
    /// own session. No effect after ``reap()``. Scans all processes, so do not call it on an event loop.
    func killFamily() {
        unlessReaped {
            kill(-pid, SIGKILL)
            dash_kill_session(pid)
        }
    }

    private func unlessReaped(_ body: () -> Void) { isReaped.withLock { if !$0 { body() } } }

    /// Blocks until the process has ended, but leaves it as a zombie, so that its pid stays reserved.
    package func waitForEnd() { _ = dash_wait_ended(pid) }

    package func reap() -> ExitStatus {
        isReaped.withLock { reaped in
            reaped = true
            var signal: Int32 = 0
            var code: Int32 = 0
            _ = dash_reap(pid, &signal, &code)
            return signal == 0 ? .exited(code) : .signalled(signal)
        }
    }
}

/// How a process ended.
package enum ExitStatus: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    /// What it did, for example “was terminated by SIGKILL”.
    package var description: String {
        switch self {
        case .exited(let code): "exited with code \(code)"
        case .signalled(let signal): "was terminated by \(Self.name(of: signal))"
        }
    }

    static func name(of signal: Int32) -> String {
        dash_signal_name(signal).map { String(cString: $0) } ?? "signal \(signal)"
    }
}

package enum ChildEnvironment {
    /// The settings of the runtime's crash reporter: the crashed thread only, not interactive. Eight frames, as a stack
    /// overflow has a hundred thousand. Full symbolication takes over a second in a debug build of 100 MB and three in
    /// a release build of 80 MB. The fast mode reports a failed check as generated code, in a frame that only the full
    /// preset shows.
    package static let backtraceSettings =
        "enable=yes,color=no,interactive=no,preset=full,threads=crashed,registers=none,images=none,symbolicate=fast,"
        + "limit=8,top=0"

    /// The environment of this process.
    static var current: [String] {
        var lines: [String] = []
        var entry = dash_environment()
        while let line = entry.pointee {
            lines.append(String(cString: line))
            entry += 1
        }
        return lines
    }

    /// The lines `NAME=value` of a worker's environment.
    ///
    /// - Parameters:
    ///   - base: The environment of this process.
    ///   - extra: Variables that the pool's configuration adds or replaces.
    static func lines(base: [String], extra: [String: String]) -> [String] {
        var settings = backtraceSettings
        var lines: [String] = []
        for line in base {
            guard let end = line.firstIndex(of: "="), extra[String(line[..<end])] == nil else { continue }
            if line[..<end] == backtrace {
                settings += "," + line[line.index(after: end)...]  // Later settings win: the user's.
            } else {
                lines.append(line)
            }
        }
        if extra[backtrace] == nil { lines.append("\(backtrace)=\(settings)") }
        return lines + extra.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }

    private static let backtrace = "SWIFT_BACKTRACE"
}

/// Calls `body` with an array of C strings that ends with a null pointer.
private func withCStrings<Result>(
    _ strings: [String],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    var copies: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeMutableBufferPointer { buffer in
        // The array has at least its null pointer, so it has an address.
        body(UnsafePointer(buffer.baseAddress!))
    }
}

/// A failed system call.
package struct SystemError: Error, CustomStringConvertible {
    let number: Int32
    let attempt: String

    /// The system's message for the error number.
    package var reason: String { String(cString: strerror(number)) }

    package var description: String { "\(attempt) failed: \(reason)." }

    /// Throws unless the error number is 0.
    static func check(_ number: Int32, _ attempt: String) throws(SystemError) {
        guard number == 0 else { throw SystemError(number: number, attempt: attempt) }
    }
}
