package import DashJSON
import GRDB
package import Jobs
import Support
import Synchronization

/// Stores jobs and cached results in one SQLite file, owned by one process.
///
/// Changes survive the end of the process, including `kill -9`, once ``write(_:)`` returns: they are committed to the
/// write-ahead log. A power failure can lose the last commits (SQLite's `synchronous = NORMAL`), but leaves the file
/// consistent.
package final class SQLiteJobStore: JobStore {
    private struct Opened: Sendable {
        let lock: FolderLock
        let pool: DatabasePool
        let writes: WriteQueue
    }

    /// The folder that holds the file `jobs.sqlite`.
    private let folder: String
    private let maximumCacheBytes: Int
    private let maximumFileBytes: Int?
    private let opened = Mutex<Opened?>(nil)
    /// The size of the cached results in bytes, according to completed writes.
    private let cacheBytes = Atomic(0)

    /// Creates a store. No file is accessed before it is opened.
    ///
    /// - Parameters:
    ///   - folder: The folder of the file, created if missing. Only its owner may read it, and one process at a time
    ///     may use it.
    ///   - maximumCacheBytes: The maximum size of cached results in bytes; the least recently used ones are removed
    ///     first.
    ///   - maximumFileBytes: The approximate maximum size of the file in bytes; beyond it, writes fail as on a full
    ///     disk. nil is unlimited.
    package init(folder: String, maximumCacheBytes: Int = 1 << 30, maximumFileBytes: Int? = nil) {
        self.folder = folder
        self.maximumCacheBytes = maximumCacheBytes
        self.maximumFileBytes = maximumFileBytes
    }

    /// Locks the folder, opens or creates the file, and reads the unfinished jobs.
    ///
    /// - Throws: `JobsError`: `.folderInUse`, or `.storage` if the file cannot be used.
    package func open() async throws -> [StoredJob] {
        let (folder, maximumFileBytes) = (folder, maximumFileBytes)
        let opened = try await OwnThread.run {
            let lock = try FolderLock(folder: folder)
            let pool = try DatabaseFile.makePool(folder + "/jobs.sqlite", maximumBytes: maximumFileBytes)
            return Opened(lock: lock, pool: pool, writes: WriteQueue(pool))
        }
        self.opened.withLock { $0 = opened }
        cacheBytes.store(try await read(CacheRows.bytes), ordering: .relaxed)
        return try await read(JobRows.unfinished)
    }

    package func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
        let (refused, added) = try await current().writes.write { db in
            var refused: Set<JobID> = []
            var added = 0
            for change in changes {
                switch change {
                case .insert(let job):
                    if try !JobRows.insert(job, db) { refused.insert(job.request.id) }
                case .update(let id, let status, let changes): try JobRows.update(id, status, changes, db)
                case .remove(let id): try JobRows.remove(id, db)
                case .cache(let wish, let result, let time): added += try CacheRows.store(wish, result, at: time, db)
                }
            }
            return (refused, added)
        }
        cacheBytes.wrappingAdd(added, ordering: .relaxed)
        return refused
    }

    package func job(_ id: JobID) async throws -> StoredJob? {
        try await read { try JobRows.find(id, $0) }
    }

    /// Reads a cached result. It is returned even if its use cannot be recorded.
    package func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        let found = try await read { try CacheRows.find(key, at: time, $0) }
        guard let found else { return nil }
        _ = try? await current().writes.write { db in
            try CacheRows.touch(key, at: time, db)
        }
        return found
    }

    /// Removes old jobs, expired results and excess results for some milliseconds, so that writes do not wait long.
    package func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        let (left, removed) = try await current().writes.write { [self] db in
            let excess = cacheBytes.load(ordering: .relaxed) - maximumCacheBytes
            var pruning = Pruning(finishedBefore: limit, time: time, cacheExcess: excess)
            return (try pruning.run(db), pruning.removedBytes)
        }
        cacheBytes.wrappingSubtract(removed, ordering: .relaxed)
        return left
    }

    /// Closes the file and releases the folder after pending writes.
    package func close() async {
        guard let opened = opened.withLock({ $0.take() }) else { return }
        _ = try? await OwnThread.run {
            // Explicitly, as other references may keep the lock alive.
            defer { opened.lock.release() }
            try opened.pool.close()
        }
    }

    /// Reads on a thread of the database. Cancellation of the task has no effect.
    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let pool = try current().pool
        return try await withCheckedThrowingContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(with: Result { try body(try database.get()) }.mapError { StorageFailure.using($0) })
            }
        }
    }

    private func current() throws -> Opened {
        guard let opened = opened.withLock({ $0 }) else { throw Self.closed }
        return opened
    }

    private static let closed = JobsError(.stopped, "The job store is closed.")
}
