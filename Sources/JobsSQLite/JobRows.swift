import DashJSON
import Foundation
import GRDB
import Jobs

/// Writes and reads rows of the table `jobs`.
enum JobRows {
    private static let insertSQL = """
        INSERT INTO jobs (
            id, name, owner, page, queue, priority, version, retries, cache_key, cache_expire, payload, details,
            revision, state, attempt, failures, interruptions, created, started, sequence
        ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET
            revision = excluded.revision, state = excluded.state, attempt = excluded.attempt,
            failures = excluded.failures, interruptions = excluded.interruptions, started = excluded.started,
            due = NULL, sequence = excluded.sequence
        WHERE finished IS NULL
        """

    /// Inserts a new job.
    ///
    /// - Returns: Whether it is stored and not finished.
    static func insert(_ job: StoredJob, _ db: Database) throws -> Bool {
        let request = job.request
        let status = job.status
        let statement = try db.cachedStatement(sql: insertSQL)
        try statement.execute(arguments: [
            request.id.text, request.name, request.owner, request.page, request.queue, request.priority,
            request.version, Columns.text(of: request.retries), request.cache?.key.text,
            request.cache?.expire?.wholeMilliseconds, Columns.blob(request.payload), Columns.blob(request.details),
            status.revision, status.state.rawValue, status.attempt, status.failures, status.interruptions,
            status.created.milliseconds, status.started?.milliseconds, status.sequence,
        ])
        return db.changesCount > 0
    }

    private static let updateSQL = """
        UPDATE jobs SET
            revision = ?1, state = ?2, attempt = ?3, failures = ?4, interruptions = ?5, started = ?6, finished = ?7,
            due = ?8, end_reason = ?9, failure = ?10, sequence = ?11, delivery = ?12, result = ?13,
            payload = CASE WHEN ?7 IS NULL THEN payload ELSE X'' END
        WHERE id = ?14 AND revision < ?1
        """

    private static let updateChangesSQL = "UPDATE jobs SET changes = ? WHERE id = ?"

    /// Replaces the status of a job unless the stored one is newer.
    static func update(_ id: JobID, _ status: JobStatus, _ changes: JobChanges?, _ db: Database) throws {
        let statement = try db.cachedStatement(sql: updateSQL)
        try statement.execute(arguments: [
            status.revision, status.state.rawValue, status.attempt, status.failures, status.interruptions,
            status.started?.milliseconds, status.finished?.milliseconds, status.due?.milliseconds,
            status.endReason, Columns.text(of: status.failure), status.sequence, Columns.text(of: status.delivery),
            status.result.map { Columns.blob($0.bytes) }, id.text,
        ])
        guard db.changesCount > 0, let changes else { return }
        // Most jobs send nothing, and an unchanged column costs nothing.
        guard !changes.isEmpty || status.attempt > 1 else { return }
        let blob = changes.isEmpty ? nil : Columns.blob(changes.stored())
        try db.cachedStatement(sql: updateChangesSQL).execute(arguments: [blob, id.text])
    }

    static func remove(_ id: JobID, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM jobs WHERE id = ?").execute(arguments: [id.text])
    }

    static func find(_ id: JobID, _ db: Database) throws -> StoredJob? {
        let statement = try db.cachedStatement(sql: "SELECT * FROM jobs WHERE id = ?")
        return try Row.fetchOne(statement, arguments: [id.text]).flatMap(job)
    }

    static func unfinished(_ db: Database) throws -> [StoredJob] {
        try Row.fetchAll(db, sql: "SELECT * FROM jobs WHERE finished IS NULL ORDER BY ordinal").compactMap(job)
    }

    private static func job(_ row: Row) -> StoredJob? {
        guard let id = JobID(row["id"] as String), let state = JobState(rawValue: row["state"]) else { return nil }
        let request = JobRequest(
            id: id,
            name: row["name"],
            payload: Columns.bytes(row["payload"]),
            owner: row["owner"],
            page: row["page"],
            queue: row["queue"],
            priority: row["priority"],
            version: row["version"],
            retries: Columns.retries(row["retries"]),
            cache: cache(row),
            details: Columns.bytes(row["details"])
        )
        let changes = JobChanges(stored: Columns.bytes(row["changes"]))
        return StoredJob(request: request, status: status(row, state), changes: changes)
    }

    private static func cache(_ row: Row) -> CacheStore? {
        guard let key = row["cache_key"] as String? else { return nil }
        return CacheStore(key: CacheKey(key), expire: (row["cache_expire"] as Int64?).map { .milliseconds($0) })
    }

    private static func status(_ row: Row, _ state: JobState) -> JobStatus {
        var status = JobStatus(state: state, created: WallTime(milliseconds: row["created"]))
        status.revision = row["revision"]
        status.attempt = row["attempt"]
        status.failures = row["failures"]
        status.interruptions = row["interruptions"]
        status.started = Columns.time(row["started"])
        status.finished = Columns.time(row["finished"])
        status.due = Columns.time(row["due"])
        status.endReason = row["end_reason"]
        status.failure = Columns.failure(row["failure"])
        status.sequence = row["sequence"]
        status.result = (row["result"] as Data?).map { RawJSON(unchecked: Array($0)) }
        status.delivery = Columns.delivery(row["delivery"])
        return status
    }
}
