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
        let text = try await runProgram(path, ["-c", script] + arguments, withErrors: false)
        return try text.split(separator: "\n").map { try JSON(parsing: String($0)) }
    }
}
