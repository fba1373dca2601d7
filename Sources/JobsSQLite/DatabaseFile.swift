import GRDB
import Jobs
import Support

/// Opens the file and migrates its tables.
enum DatabaseFile {
    static func makePool(_ path: String, maximumBytes: Int?) throws -> DatabasePool {
        try makePrivate(path)
        var configuration = Configuration()
        configuration.label = "jobs.sqlite"
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            // Shrinks the log after a burst.
            try db.execute(sql: "PRAGMA journal_size_limit = 67108864")
            if let maximumBytes { try db.execute(sql: "PRAGMA max_page_count = \(max(1, maximumBytes / 4096))") }
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try checkVersion(pool, path)
            try Schema.migrator.migrate(pool)
            return pool
        } catch let error as DatabaseError {
            throw StorageFailure.opening(path, error)
        }
    }

    /// Creates the file before SQLite does; SQLite's other files get the same permissions.
    private static func makePrivate(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, fchmod(descriptor, 0o600) == 0 else {
            throw JobsError(.storage, "Could not open \(path): \(String(cString: strerror(errno))).")
        }
        close(descriptor)
    }

    private static func checkVersion(_ pool: DatabasePool, _ path: String) throws {
        guard try pool.read(Schema.migrator.hasBeenSuperseded) else { return }
        throw JobsError(
            .storage,
            "\(path) was written by a newer version of this program. Use that version, or move the file away."
        )
    }
}
