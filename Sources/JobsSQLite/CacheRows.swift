import DashJSON
import Foundation
import GRDB
import Jobs

/// Writes and reads rows of the table `cache`.
enum CacheRows {
    private static let storeSQL = """
        INSERT INTO cache (key, result, expire, used, expires) VALUES (?1, ?2, ?3, ?4, ?4 + ?3)
        ON CONFLICT (key) DO UPDATE SET
            result = excluded.result, expire = excluded.expire, used = excluded.used, expires = excluded.expires
        """

    static func store(_ wish: CacheStore, _ result: RawJSON, at time: WallTime, _ db: Database) throws {
        try db.cachedStatement(sql: storeSQL).execute(arguments: [
            wish.key.text, Columns.blob(result.bytes), wish.expire?.wholeMilliseconds, time.milliseconds,
        ])
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
