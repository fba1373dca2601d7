import Foundation
import Support

/// Runs a program and returns its output.
///
/// Does not use Foundation's `Process`, which has missed exits: probably because a server started at the same moment
/// inherits the socket that signals the exit.
///
/// - Parameter withErrors: Whether to include standard error.
/// - Throws: `ProgramFailed` if its status is not 0.
func runProgram(
    _ path: String,
    _ arguments: [String],
    environment: [String: String] = [:],
    withErrors: Bool = true
) async throws -> String {
    // A file, because such a server would inherit a pipe too.
    let output = FileManager.default.temporaryDirectory.appending(path: "program-\(UUID().uuidString)")
    try Data().write(to: output)
    defer { try? FileManager.default.removeItem(at: output) }
    let pid = try TestServerProcess.spawn(
        path,
        arguments,
        environment,
        input: nil,
        output: output.path,
        withErrors: withErrors
    )
    let status = await withCheckedContinuation { caller in
        let wait: @Sendable () -> Void = { caller.resume(returning: exitStatus(of: pid)) }
        if !OwnThread.start(wait) { wait() }
    }
    let text = try String(contentsOf: output, encoding: .utf8)
    guard status == 0 else { throw ProgramFailed(program: path, status: status, output: text) }
    return text
}

/// Waits for the exit of a process.
///
/// - Returns: Its exit code, or the negated number of the signal that ended it.
private func exitStatus(of pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
}

struct ProgramFailed: Error {
    let program: String
    let status: Int32
    let output: String
}
