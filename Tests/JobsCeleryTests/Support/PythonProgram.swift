import DashJSON
import Foundation
import Testing

@testable import JobsCelery

/// Runs Python with Celery, from `.venv/test` (see Tests/requirements.txt).
///
/// Suites that need it say `.enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot)`; without it they are skipped, but in
/// CI (the variable CI is set) they fail.
enum PythonProgram {
    static let whyNot: Comment = "there is no Python with Celery in .venv/test"
    static let isAvailable: Bool = {
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        if FileManager.default.isExecutableFile(atPath: path) { return true }
        print("Skipped, as there is no Python with Celery in .venv/test: the tests with Celery itself.")
        return false
    }()

    /// The interpreter.
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".venv/test/bin/python").path

    /// Runs a script to its end and gives the lines that it printed, each a JSON value.
    static func run(_ script: String, _ arguments: [String] = []) async throws -> [JSON] {
        let output = FileManager.default.temporaryDirectory.appending(path: "python-\(UUID().uuidString)")
        try Data().write(to: output)
        defer { try? FileManager.default.removeItem(at: output) }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = ["-c", script] + arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        let status = try await ended(process)
        let text = try String(contentsOf: output, encoding: .utf8)
        guard status == 0 else { throw Failed(status: status, output: text) }
        return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    }

    private static func ended(_ process: Process) async throws -> Int32 {
        try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
    }

    struct Failed: Error, CustomStringConvertible {
        var status: Int32
        var output: String
        var description: String { "Python ended with \(status): \(output)" }
    }
}
