import GRDB
import Jobs

/// Removes old rows in batches for a short time, so that writes do not wait long.
struct Pruning {
    /// The rows per batch.
    static let portion = 50
    /// The time after which no further batch begins.
    static let longest = Duration.milliseconds(10)

    private let finishedBefore: WallTime
    private let time: WallTime
    private let cacheExcess: Int
    /// The size of the removed cached results in bytes.
    private(set) var removedBytes = 0

    /// - Parameters:
    ///   - finishedBefore: Removes jobs that finished at or before this time.
    ///   - time: Removes results that expire at or before this time.
    ///   - cacheExcess: The excess size of the cache in bytes; the least recently used results are removed.
    init(finishedBefore: WallTime, time: WallTime, cacheExcess: Int) {
        self.finishedBefore = finishedBefore
        self.time = time
        self.cacheExcess = cacheExcess
    }

    mutating func run(_ db: Database) throws -> StorePruning {
        let end = ContinuousClock.now + Self.longest
        var hasMore = true
        while hasMore, ContinuousClock.now < end { hasMore = try removePortion(db) }
        return StorePruning(
            oldestFinished: try Self.earliest("SELECT min(finished) FROM jobs WHERE finished IS NOT NULL", db),
            nextExpiry: try Self.earliest("SELECT min(expires) FROM cache WHERE expires IS NOT NULL", db),
            hasMore: hasMore
        )
    }

    /// - Returns: Whether there may be more to remove.
    private mutating func removePortion(_ db: Database) throws -> Bool {
        let removed = [try removeJobs(db), try removeExpired(db), try removeUnused(db)]
        return removed.contains(Self.portion)
    }

    private func removeJobs(_ db: Database) throws -> Int {
        let sql = """
            DELETE FROM jobs WHERE ordinal IN (
                SELECT ordinal FROM jobs WHERE finished IS NOT NULL AND finished <= ? ORDER BY finished LIMIT ?)
            """
        try db.cachedStatement(sql: sql).execute(arguments: [finishedBefore.milliseconds, Self.portion])
        return db.changesCount
    }

    private mutating func removeExpired(_ db: Database) throws -> Int {
        let sql = "SELECT rowid, size FROM cache WHERE expires <= ? ORDER BY expires LIMIT ?"
        let rows = try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [time.milliseconds, Self.portion])
        for row in rows { try remove(row, db) }
        return rows.count
    }

    private mutating func removeUnused(_ db: Database) throws -> Int {
        guard removedBytes < cacheExcess else { return 0 }
        let sql = "SELECT rowid, size FROM cache ORDER BY used LIMIT ?"
        let rows = try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [Self.portion])
        var count = 0
        for row in rows where removedBytes < cacheExcess {
            try remove(row, db)
            count += 1
        }
        return count
    }

    private mutating func remove(_ row: Row, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM cache WHERE rowid = ?").execute(arguments: [row["rowid"] as Int64])
        removedBytes += row["size"] as Int
    }

    private static func earliest(_ sql: String, _ db: Database) throws -> WallTime? {
        Columns.time(try Int64.fetchOne(db.cachedStatement(sql: sql)))
    }
}
