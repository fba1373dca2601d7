import DashJSON
import Foundation
import GRDB
import Jobs

/// Writes and reads rows of the table `cache`.
enum CacheRows {
    private static let storeSQL = """
        INSERT INTO cache (key, result, expire, used, expires, size) VALUES (?1, ?2, ?3, ?4, ?4 + ?3, ?5)
        ON CONFLICT (key) DO UPDATE SET
            result = excluded.result, expire = excluded.expire, used = excluded.used, expires = excluded.expires,
            size = excluded.size
        """

    /// Stores a result.
    ///
    /// - Returns: The change of the cache's size in bytes.
    static func store(_ wish: CacheStore, _ result: RawJSON, at time: WallTime, _ db: Database) throws -> Int {
        let known = try db.cachedStatement(sql: "SELECT size FROM cache WHERE key = ?")
        let before = try Int.fetchOne(known, arguments: [wish.key.text]) ?? 0
        try db.cachedStatement(sql: storeSQL).execute(arguments: [
            wish.key.text, Columns.blob(result.bytes), wish.expire?.wholeMilliseconds, time.milliseconds,
            result.bytes.count,
        ])
        return result.bytes.count - before
    }

    /// The total size of all results in bytes.
    static func bytes(_ db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT sum(size) FROM cache") ?? 0
    }

    static func find(_ key: CacheKey, at time: WallTime, _ db: Database) throws -> RawJSON? {
        let sql = "SELECT result FROM cache WHERE key = ? AND (expires IS NULL OR expires > ?)"
        let statement = try db.cachedStatement(sql: sql)
        return try Data.fetchOne(statement, arguments: [key.text, time.milliseconds])
            .map { RawJSON(unchecked: Array($0)) }
    }

    static func touch(_ key: CacheKey, at time: WallTime, _ db: Database) throws {
        let sql = "UPDATE cache SET used = ?1, expires = ?1 + expire WHERE key = ?2"
        try db.cachedStatement(sql: sql).execute(arguments: [time.milliseconds, key.text])
    }
}
