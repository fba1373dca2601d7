import CDashSpawn
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A started worker process with the parent's ends of its socket and output.
struct ChildLaunch: Sendable {
    let handle: ChildHandle
    let pid: Int32
    let socket: Int32
    let output: Int32

    /// Starts a worker. The calling thread must live as long as the worker: on Linux the worker ends with it.
    ///
    /// - Throws: ``SystemError`` if the program cannot be run or resources are exhausted.
    init(_ configuration: WorkerPoolConfiguration) throws {
        let channel = try DescriptorPair("Making a socket pair", dash_socket_pair)
        let pipe: DescriptorPair
        do { pipe = try DescriptorPair("Making a pipe", dash_pipe) } catch {
            channel.closeBoth()
            throw error
        }
        do {
            pid = try Self.spawn(configuration, channel: channel.second, output: pipe.second)
            handle = ChildHandle(pid: pid)
        } catch {
            channel.closeBoth()
            pipe.closeBoth()
            throw error
        }
        close(channel.second)
        close(pipe.second)
        dash_set_nonblocking(pipe.first)
        socket = channel.first
        output = pipe.first
    }

    private static func spawn(
        _ configuration: WorkerPoolConfiguration,
        channel: Int32,
        output: Int32
    ) throws -> pid_t {
        let environment = ChildEnvironment.lines(base: ChildEnvironment.current, extra: configuration.environment)
        var pid: pid_t = 0
        let failed = withCStrings(configuration.arguments) { arguments in
            withCStrings(environment) { environment in
                configuration.executable.withCString { path in
                    "worker".withCString { role in
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
                        return dash_spawn(&request, &pid)
                    }
                }
            }
        }
        try SystemError.check(failed, "Starting \(configuration.executable)")
        return pid
    }
}

/// A pair of connected descriptors.
struct DescriptorPair: Sendable {
    let first: Int32
    let second: Int32

    /// Creates a pair with a C function.
    init(_ attempt: String, _ make: (UnsafeMutablePointer<Int32>) -> Int32) throws {
        var ends: [Int32] = [-1, -1]
        try SystemError.check(make(&ends), attempt)
        (first, second) = (ends[0], ends[1])
    }

    func closeBoth() {
        close(first)
        close(second)
    }
}

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A child process that leads its own group. It can be signalled only until `reap`, as its pid may be reused
/// afterwards.
package final class ChildHandle: Sendable {
    /// The process id, reserved until `reap`.
    private let pid: Int32
    private let isReaped = Mutex(false)

    package init(pid: Int32) { self.pid = pid }

    /// Kills the process group. No effect after ``reap()``.
    package func killGroup() {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(-pid, SIGKILL)
        }
    }

    /// Sends a signal to the process, not to its group. No effect after ``reap()``.
    package func send(_ signal: Int32) {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(pid, signal)
        }
    }

    /// Kills the group and all other processes of the session that the process leads, except those that created their
    /// own session. No effect after ``reap()``. Scans all processes, so do not call it on an event loop.
    func killFamily() {
        isReaped.withLock { reaped in
            guard !reaped else { return }
            kill(-pid, SIGKILL)
            dash_kill_session(pid)
        }
    }

    /// Blocks until the process has ended, but leaves it as a zombie, so that its pid stays reserved.
    package func waitForEnd() { _ = dash_wait_ended(pid) }

    /// Reaps the ended process.
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
package enum ExitStatus: Sendable, Hashable {
    case exited(Int32)
    case signalled(Int32)
}

/// The environment of a worker.
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

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Calls `body` with an array of C strings that ends with a null pointer.
package func withCStrings<Result>(
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

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A failed system call.
struct SystemError: Error, CustomStringConvertible {
    /// The error number.
    let number: Int32
    /// What was attempted.
    let attempt: String

    /// The attempt and the system's error message.
    var description: String { "\(attempt) failed: \(String(cString: strerror(number)))." }

    /// Throws unless the error number is 0.
    static func check(_ number: Int32, _ attempt: String) throws {
        guard number == 0 else { throw SystemError(number: number, attempt: attempt) }
    }
}
