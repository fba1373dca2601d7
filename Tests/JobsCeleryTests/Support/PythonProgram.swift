import DashJSON
import Foundation
import Testing

@testable import JobsCelery

/// Runs Python with Celery, from `.venv/test` (see Tests/requirements.txt).
///
/// Suites that need it use `.enabled(if: PythonProgram.isAvailable, PythonProgram.whyNot)`: without it they are
/// skipped, or fail if the variable CI is set.
enum PythonProgram {
    static let whyNot: Comment = "Python with Celery is not installed in .venv/test"
    static let isAvailable: Bool = {
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        if FileManager.default.isExecutableFile(atPath: path) { return true }
        print("Skipping the tests with Python's Celery: it is not installed in .venv/test.")
        return false
    }()

    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: ".venv/test/bin/python").path

    /// Runs a script and returns its output lines, each a JSON value.
    static func run(_ script: String, _ arguments: [String] = []) async throws -> [JSON] {
        let text = try await runProgram(path, ["-c", script] + arguments, withErrors: false)
        return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    }
}
