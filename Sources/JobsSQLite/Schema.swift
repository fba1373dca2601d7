import GRDB

/// The tables of the file and their migrations.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1: jobs and cached results") { db in
            try db.execute(sql: jobs)
            try db.execute(sql: cache)
        }
        migrator.registerMigration("2: the sizes of cached results in the order of their use") { db in
            try db.execute(sql: cacheSizes)
        }
        return migrator
    }

    /// Times are milliseconds since 1970; `retries`, `failure`, `delivery` and `changes` are JSON.
    private static let jobs = """
        CREATE TABLE jobs (
            ordinal INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            owner TEXT NOT NULL,
            page TEXT NOT NULL,
            queue TEXT NOT NULL,
            priority INTEGER NOT NULL,
            version TEXT NOT NULL,
            retries TEXT,
            cache_key TEXT,
            cache_expire INTEGER,
            payload BLOB NOT NULL,
            details BLOB NOT NULL,
            revision INTEGER NOT NULL,
            state TEXT NOT NULL,
            attempt INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            interruptions INTEGER NOT NULL,
            created INTEGER NOT NULL,
            started INTEGER,
            finished INTEGER,
            due INTEGER,
            end_reason TEXT,
            failure TEXT,
            sequence INTEGER NOT NULL,
            delivery TEXT,
            changes BLOB,
            result BLOB
        ) STRICT;
        CREATE INDEX jobs_finished ON jobs (finished) WHERE finished IS NOT NULL;
        CREATE INDEX jobs_unfinished ON jobs (ordinal) WHERE finished IS NULL;
        """

    private static let cache = """
        CREATE TABLE cache (
            key TEXT NOT NULL UNIQUE,
            result BLOB NOT NULL,
            expire INTEGER,
            used INTEGER NOT NULL,
            expires INTEGER
        ) STRICT;
        CREATE INDEX cache_expires ON cache (expires) WHERE expires IS NOT NULL;
        """

    /// The index contains the sizes, so that neither their sum nor the oldest results require reading the results.
    private static let cacheSizes = """
        ALTER TABLE cache ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
        UPDATE cache SET size = length(result);
        CREATE INDEX cache_used ON cache (used, size);
        """
}
