import Foundation
import GRDB
import Testing

/// A folder that is removed with its last reference, possibly before the end of the scope: see `withExtendedLifetime`.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appending(path: "jobs-\(UUID().uuidString)").path
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    var file: String { path + "/jobs.sqlite" }

    /// Checks the file's integrity with SQLite.
    func checkIntegrity(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let queue = try DatabaseQueue(path: file)
        defer { try? queue.close() }
        let answer = try queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
        #expect(answer == "ok", sourceLocation: sourceLocation)
    }

    /// The result of a query that returns one number.
    func number(_ sql: String) throws -> Int {
        let queue = try DatabaseQueue(path: file)
        defer { try? queue.close() }
        return try queue.read { try Int.fetchOne($0, sql: sql) } ?? -1
    }
}
