public import DashJSON
import GRDB
public import Jobs
import Synchronization

/// Keeps jobs and cached results in one SQLite file that one process owns.
///
/// What ``write(_:)`` has returned from survives the end of this process in any way, `kill -9` included: it is committed to
/// the write-ahead log. A loss of power, or of the whole machine, can take back the commits of the last moments (SQLite's
/// `synchronous = NORMAL`); the file is then as it was a moment before, never half of a change.
public final class SQLiteJobStore: JobStore {
    private struct Opened: Sendable {
        let lock: FolderLock
        let pool: DatabasePool
        let writes: WriteQueue
    }

    /// The folder that holds the file `jobs.sqlite`.
    public let folder: String
    private let maximumCacheBytes: Int
    private let maximumFileBytes: Int?
    private let opened = Mutex<Opened?>(nil)
    /// How many bytes of results the cache has, as far as writes have returned.
    private let cacheBytes = Atomic(0)

    /// Makes a store; nothing is touched before it is opened.
    ///
    /// - Parameters:
    ///   - folder: Where the file is, or will be made. Only its owner may read it, and one process at a time may use it.
    ///   - maximumCacheBytes: How many bytes of cached results are kept; those unused for the longest time go first.
    ///   - maximumFileBytes: How large the file may grow, roughly; beyond it is as if the disk was full. Nil is no limit.
    public init(folder: String, maximumCacheBytes: Int = 1 << 30, maximumFileBytes: Int? = nil) {
        self.folder = folder
        self.maximumCacheBytes = maximumCacheBytes
        self.maximumFileBytes = maximumFileBytes
    }

    /// Takes the folder, opens or makes the file, and reads the jobs that are not finished.
    ///
    /// - Throws: `JobsError`: `.folderInUse`, or `.storage` if the file cannot be used.
    public func open() async throws -> [StoredJob] {
        let (folder, maximumFileBytes) = (folder, maximumFileBytes)
        let opened = try await OffPool.run {
            let lock = try FolderLock(folder: folder)
            let pool = try DatabaseFile.open(folder + "/jobs.sqlite", maximumBytes: maximumFileBytes)
            return Opened(lock: lock, pool: pool, writes: WriteQueue(pool))
        }
        self.opened.withLock { $0 = opened }
        cacheBytes.store(try await read(CacheRows.bytes), ordering: .relaxed)
        return try await read(JobRows.unfinished)
    }

    /// Commits the changes, together with those of other calls that come at the same time.
    public func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
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

    /// Reads one job.
    public func job(_ id: JobID) async throws -> StoredJob? {
        try await read { try JobRows.find(id, $0) }
    }

    /// Reads a cached result. It is given even if its use cannot be written.
    public func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        let found = try await read { try CacheRows.find(key, at: time, $0) }
        guard let found else { return nil }
        _ = try? await current().writes.write { db in
            try CacheRows.touch(key, at: time, db)
        }
        return found
    }

    /// Removes old jobs, expired results and what is too much in the cache, for some milliseconds; then writes go first.
    public func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        let (left, removed) = try await current().writes.write { [self] db in
            let excess = cacheBytes.load(ordering: .relaxed) - maximumCacheBytes
            var pruning = Pruning(finishedBefore: limit, time: time, cacheExcess: excess)
            return (try pruning.run(db), pruning.removedBytes)
        }
        cacheBytes.wrappingSubtract(removed, ordering: .relaxed)
        return left
    }

    /// Closes the file and gives the folder free, when what was being written is written.
    public func close() async {
        guard let opened = opened.withLock({ $0.take() }) else { return }
        _ = try? await OffPool.run {
            // Not by the last reference: who knows when that goes.
            defer { opened.lock.release() }
            try opened.pool.close()
        }
    }

    /// Reads in a thread of the database's, and does not end early if the task is cancelled.
    private func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        let pool = try current().pool
        return try await withCheckedThrowingContinuation { continuation in
            pool.asyncRead { database in
                continuation.resume(
                    with: Result { try body(try database.get()) }.mapError { StorageFailure.using($0) }
                )
            }
        }
    }

    private func current() throws -> Opened {
        guard let opened = opened.withLock({ $0 }) else { throw Self.closed }
        return opened
    }

    private static let closed = JobsError(.stopped, "The store of jobs is closed.")
}
