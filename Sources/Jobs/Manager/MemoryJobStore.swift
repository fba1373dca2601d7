public import DashJSON
import Synchronization

/// A store that keeps everything in memory, for tests and for apps whose jobs need not survive a restart.
///
/// The store lives on when its manager ends; a test can give it to the next.
public final class MemoryJobStore: JobStore {
    struct CachedResult {
        var result: RawJSON
        var expire: Duration?
        var lastUse: WallTime

        var expiry: WallTime? { expire.map { lastUse + $0 } }
    }

    struct Tables {
        var jobs: [JobID: StoredJob] = [:]
        var order: [JobID] = []
        var cache: [CacheKey: CachedResult] = [:]
    }

    private let tables = Mutex(Tables())

    /// Makes an empty store.
    public init() {}

    /// All jobs that are not finished.
    public func open() async throws -> [StoredJob] {
        tables.withLock { tables in
            tables.order = tables.order.filter { tables.jobs[$0] != nil }
            return tables.order.compactMap { tables.jobs[$0] }.filter { !$0.status.state.isFinished }
        }
    }

    /// Does all changes at once.
    public func write(_ changes: [StoreChange]) async throws -> Set<JobID> {
        tables.withLock { tables in
            var refused: Set<JobID> = []
            for change in changes {
                switch change {
                case .insert(let job):
                    if !tables.insert(job) { refused.insert(job.request.id) }
                case .update(let id, let status, let changes): tables.update(id, status, changes)
                case .remove(let id): tables.jobs[id] = nil
                case .cache(let wish, let result, let time):
                    tables.cache[wish.key] = CachedResult(result: result, expire: wish.expire, lastUse: time)
                }
            }
            return refused
        }
    }

    /// Looks a job up.
    public func job(_ id: JobID) async throws -> StoredJob? {
        tables.withLock { $0.jobs[id] }
    }

    /// Looks a result up and counts it as used.
    public func cachedResult(for key: CacheKey, at time: WallTime) async throws -> RawJSON? {
        tables.withLock { tables in
            guard let cached = tables.cache[key], cached.expiry.map({ $0 > time }) ?? true else { return nil }
            tables.cache[key]?.lastUse = time
            return cached.result
        }
    }

    /// Removes everything that is old.
    public func prune(finishedBefore limit: WallTime, at time: WallTime) async throws -> StorePruning {
        tables.withLock { tables in
            tables.jobs = tables.jobs.filter { $0.value.status.finished.map { $0 > limit } ?? true }
            tables.cache = tables.cache.filter { $0.value.expiry.map { $0 > time } ?? true }
            return StorePruning(
                oldestFinished: tables.jobs.values.compactMap(\.status.finished).min(),
                nextExpiry: tables.cache.values.compactMap(\.expiry).min()
            )
        }
    }

    /// Does nothing.
    public func close() async {}
}

extension MemoryJobStore.Tables {
    mutating func insert(_ job: StoredJob) -> Bool {
        if let known = jobs[job.request.id] {
            if known.status.state.isFinished { return false }
        } else {
            order.append(job.request.id)
        }
        jobs[job.request.id] = job
        return true
    }

    mutating func update(_ id: JobID, _ status: JobStatus, _ changes: JobChanges?) {
        guard let known = jobs[id], known.status.revision < status.revision else { return }
        jobs[id]?.status = status
        if let changes { jobs[id]?.changes = changes }
        if status.state.isFinished { jobs[id]?.request.payload = [] }
    }
}
