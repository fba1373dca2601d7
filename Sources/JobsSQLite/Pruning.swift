import GRDB
import Jobs

/// Removes what is old.
enum Pruning {
    /// How many rows go in one transaction, so that no write waits long behind it.
    static let batch = 2000

    static func prune(
        finishedBefore limit: WallTime,
        at time: WallTime,
        maximumCacheBytes: Int,
        _ db: Database
    ) throws -> StorePruning {
        try db.execute(
            sql: """
                DELETE FROM jobs WHERE ordinal IN (
                    SELECT ordinal FROM jobs WHERE finished IS NOT NULL AND finished <= ? ORDER BY finished LIMIT ?)
                """,
            arguments: [limit.milliseconds, batch]
        )
        try db.execute(sql: "DELETE FROM cache WHERE expires <= ?", arguments: [time.milliseconds])
        try shrinkCache(to: maximumCacheBytes, db)
        return StorePruning(
            oldestFinished: Columns.time(
                try Int64.fetchOne(db, sql: "SELECT min(finished) FROM jobs WHERE finished IS NOT NULL")
            ),
            nextExpiry: Columns.time(
                try Int64.fetchOne(db, sql: "SELECT min(expires) FROM cache WHERE expires IS NOT NULL")
            )
        )
    }

    /// Lets the results go that were not used for the longest time.
    private static func shrinkCache(to bytes: Int, _ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM cache WHERE key IN (
                    SELECT key FROM (
                        SELECT key, sum(length(result)) OVER (ORDER BY used DESC, key) AS total FROM cache)
                    WHERE total > ?)
                """,
            arguments: [bytes]
        )
    }
}
