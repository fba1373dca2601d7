import Foundation
import Logging
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A condition that did not become true in time.
struct NeverHappened: Error, CustomStringConvertible {
    let what: String
    var description: String { "It never happened that \(what)." }
}

/// Polls a condition that has no event, such as the end of a process that is not a child.
func until(_ what: String, within limit: Duration = .seconds(20), _ isTrue: () async -> Bool) async throws {
    let deadline = ContinuousClock.now + limit
    while await !isTrue() {
        guard .now < deadline else { throw NeverHappened(what: what) }
        try await Task.sleep(for: .milliseconds(1))
    }
}

/// Whether a process is alive; a zombie is not.
func isAlive(_ pid: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return !status.contains(") Z") && !status.contains(") X")
}

private let numbers = Mutex(0)

/// A new number for each call.
func nextNumber() -> Int {
    numbers.withLock {
        $0 += 1
        return $0
    }
}

/// A path where no file exists yet.
func temporaryPath() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("workers-\(UUID().uuidString)").path
}

extension Logger {
    /// Discards everything.
    static var silent: Logger { Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() } }
}

/// Kills a process from outside the pool.
func kill(pid: Int32) {
    guard pid > 0 else { return }
    #if canImport(Darwin)
    _ = Darwin.kill(pid, SIGKILL)
    #else
    _ = Glibc.kill(pid, SIGKILL)
    #endif
}

/// Creates an empty file.
func makeFile(_ path: String) {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
}

/// The number of open descriptors of this process.
func openDescriptors() -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
}
