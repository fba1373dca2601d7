import Foundation
import Synchronization

/// A server process of the tests. It does not outlive this process, even if this is killed.
final class TestServerProcess: Sendable {
    let pid: pid_t
    /// Kills the program when its standard input closes, that is, when this process has exited.
    private let guardian: pid_t
    private let lifeline: Int32
    private let state = Mutex(State())

    private struct State {
        var hasEnded = false
        /// The status of `waitpid` once the program has exited by itself.
        var exit: Int32?
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - environment: Variables added to this process' environment.
    ///   - folder: A folder to remove if this process exits without ending the program.
    init(
        _ program: String,
        arguments: [String],
        environment: [String: String] = [:],
        folder: String? = nil
    ) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw NotStarted(program: program, reason: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        lifeline = ends[1]
        pid = try Self.spawn(program, arguments, environment, input: nil)
        let removal = folder.map { "; rm -rf '\($0)'" } ?? ""
        guardian = try Self.spawn("/bin/sh", ["-c", "read gone; kill -9 \(pid)\(removal)"], [:], input: ends[0])
    }

    deinit { end(SIGKILL) }

    @discardableResult
    func signal(_ number: Int32) -> Bool {
        state.withLock { !$0.hasEnded && $0.exit == nil && Foundation.kill(pid, number) == 0 }
    }

    /// The status of `waitpid` if the program has exited by itself; nil while it runs.
    var exit: Int32? {
        state.withLock { state in
            var status: Int32 = 0
            if !state.hasEnded, state.exit == nil, waitpid(pid, &status, WNOHANG) == pid { state.exit = status }
            return state.exit
        }
    }

    /// Ends the program with a signal and waits for its exit.
    func end(_ number: Int32) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.hasEnded = true
            var processes = [guardian]
            _ = Foundation.kill(guardian, SIGKILL)
            if state.exit == nil {
                processes.append(pid)
                for signal in [number, SIGCONT] { _ = Foundation.kill(pid, signal) }
            }
            for process in processes { while waitpid(process, nil, 0) == -1 && errno == EINTR {} }
            close(lifeline)
        }
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - input: The descriptor of its standard input; nil for none.
    ///   - output: The file for its standard output; nil discards it.
    ///   - withErrors: Whether standard error goes to that file too; otherwise it is this process'.
    static func spawn(
        _ program: String,
        _ arguments: [String],
        _ additions: [String: String],
        input: Int32?,
        output: String? = nil,
        withErrors: Bool = false
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY, 0)
        if withErrors { posix_spawn_file_actions_adddup2(&actions, 1, 2) }
        let environment = ProcessInfo.processInfo.environment.merging(additions) { $1 }
        let argumentPointers = ([program] + arguments).map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid: pid_t = 0
        var attributes = unblockedSignals()
        defer { posix_spawnattr_destroy(&attributes) }
        let reason = posix_spawn(&pid, program, &actions, &attributes, argumentPointers, environmentPointers)
        guard reason == 0 else { throw NotStarted(program: program, reason: reason) }
        return pid
    }

    /// Threads of Swift's pool block signals, including SIGTERM, and a child inherits that.
    private static func unblockedSignals() -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        return attributes
    }
}

struct NotStarted: Error {
    let program: String
    let reason: Int32
}

/// The path of a program in PATH; nil if there is none.
func findProgram(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
        .first { access($0, X_OK) == 0 }
}

private let givenPorts = Mutex<Set<Int>>([])

/// An unused port of 127.0.0.1, a different one at each call, outside of the system's ephemeral range.
func freePort() throws -> Int {
    for _ in 0..<1000 {
        let port = Int.random(in: 20_000..<32_000)
        if givenPorts.withLock({ $0.insert(port).inserted }), isFree(port) { return port }
    }
    throw NotStarted(program: "a server, as no port is free", reason: EADDRINUSE)
}

private func isFree(_ port: Int) -> Bool {
    // A server that another test starts now must not inherit it: the port would be in use as long as that server runs.
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { general in
            bind(descriptor, general, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}
