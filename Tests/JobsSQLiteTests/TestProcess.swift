import Dispatch
import Foundation

/// This test program, run again in a process for one test.
///
/// Not Foundation's `Process`, which occasionally missed the end of the output.
final class TestProcess: Sendable {
    /// The lines on standard error that begin with `@ `, until the process has ended.
    private let lines: AsyncStream<String>
    private let pid: pid_t

    /// Starts the test with environment variables.
    init(test: String, environment: [String: String]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SpawnFailed(reason: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        pid = try Self.spawn(
            URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path,
            arguments: ["test", "--testing-library", "swift-testing", "--filter", test],
            environment: all.map { "\($0)=\($1)" },
            standardError: ends[1]
        )
        lines = Self.read(ends[0], of: pid)
    }

    /// The next line, or nil when the process has ended.
    func nextLine() async -> String? {
        var iterator = lines.makeAsyncIterator()
        return await iterator.next()
    }

    func kill() {
        _ = Foundation.kill(pid, SIGKILL)
    }

    private static func spawn(
        _ path: String,
        arguments: [String],
        environment: [String],
        standardError: Int32
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, standardError, 2)
        let argumentPointers = arguments.map { strdup($0) } + [nil]
        let environmentPointers = environment.map { strdup($0) } + [nil]
        defer { for pointer in argumentPointers + environmentPointers { free(pointer) } }
        var pid: pid_t = 0
        let reason = posix_spawn(&pid, path, &actions, nil, argumentPointers, environmentPointers)
        guard reason == 0 else { throw SpawnFailed(reason: reason) }
        return pid
    }

    /// Reads on another thread until the process has ended, and reaps it.
    private static func read(_ descriptor: Int32, of pid: pid_t) -> AsyncStream<String> {
        let (lines, found) = AsyncStream.makeStream(of: String.self)
        DispatchQueue(label: "test.process.\(pid)").async {
            var rest: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while case let count = Foundation.read(descriptor, &buffer, buffer.count), count > 0 {
                rest += buffer[..<count]
                // Only complete lines: the kill may truncate the last one.
                while let end = rest.firstIndex(of: 10) {
                    let line = String(decoding: rest[..<end], as: UTF8.self)
                    if line.hasPrefix("@ ") { found.yield(line) }
                    rest.removeFirst(end + 1)
                }
            }
            close(descriptor)
            waitpid(pid, nil, 0)
            found.finish()
        }
        return lines
    }
}

struct SpawnFailed: Error {
    let reason: Int32
}
