import DashJSON
import GRDB
import Jobs
import JobsConformance
import Logging
import Testing

@testable import JobsSQLite

@Suite("The pruning of the SQLite store")
struct PruningTests {
    private static let time = WallTime(milliseconds: 1_800_000_000_000)

    @Test("removes many jobs and results in batches, and reports when there are more")
    func portions() async throws {
        let folder = TemporaryFolder()
        let store = SQLiteJobStore(folder: folder.path)
        _ = try await store.open()
        try await Self.fill(store, jobs: 20_000, results: 20_000)
        var goes = 1
        while try await store.prune(finishedBefore: Self.time, at: Self.time + .seconds(2)).hasMore { goes += 1 }
        #expect(goes > 1)
        #expect(try folder.number("SELECT count(*) FROM jobs") == 0)
        #expect(try folder.number("SELECT count(*) FROM cache") == 0)
        let left = try await store.prune(finishedBefore: Self.time, at: Self.time + .seconds(2))
        #expect(left == StorePruning())
        await store.close()
    }

    @Test("continues while there are more, although no time passes", .timeLimit(.minutes(5)))
    func atOnce() async throws {
        let folder = TemporaryFolder()
        let old = SQLiteJobStore(folder: folder.path)
        _ = try await old.open()
        try await Self.fill(old, jobs: 20_000, results: 0)
        await old.close()
        let clock = ManualJobClock()
        clock.advance(by: .seconds(100_000_000))
        let store = SQLiteJobStore(folder: folder.path)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let manager = EmbeddedJobManager(store: store, executor: TestExecutor(), clock: clock, logger: logger)
        let service = Task { try await manager.run() }
        while try folder.number("SELECT count(*) FROM jobs") > 0 {
            // The file has no notifications.
            try await Task.sleep(for: .milliseconds(10))
        }
        service.cancel()
        try await service.value
    }

    @Test("limits the cache, counting the results found on opening and later replacements")
    func cacheSum() async throws {
        let folder = TemporaryFolder()
        let first = SQLiteJobStore(folder: folder.path)
        _ = try await first.open()
        for second in 0..<10 { try await Self.keep(second, bytes: 100, first) }
        await first.close()
        let store = SQLiteJobStore(folder: folder.path, maximumCacheBytes: 350)
        _ = try await store.open()
        _ = try await store.prune(finishedBefore: Self.time, at: Self.time)
        #expect(try folder.number("SELECT min(used) - 1800000000000 FROM cache") == 7000)
        for _ in 0..<9 { try await Self.keep(9, bytes: 150, store) }
        _ = try await store.prune(finishedBefore: Self.time, at: Self.time)
        #expect(try folder.number("SELECT count(*) FROM cache") == 3)
        try await Self.keep(8, bytes: 101, store)
        _ = try await store.prune(finishedBefore: Self.time, at: Self.time)
        #expect(try folder.number("SELECT sum(size) FROM cache") == 251)
        await store.close()
        try folder.checkIntegrity()
    }

    @Test("migrates a file of the first version to one with result sizes")
    func migration() async throws {
        let folder = TemporaryFolder()
        let store = SQLiteJobStore(folder: folder.path, maximumCacheBytes: 3)
        _ = try await store.open()
        await store.close()
        let queue = try DatabaseQueue(path: folder.file)
        try await queue.erase()
        try Schema.migrator.migrate(queue, upTo: "1: jobs and cached results")
        try await queue.write { db in
            for used in 1...2 {
                let sql = "INSERT INTO cache (key, result, used) VALUES (?, ?, ?)"
                try db.execute(sql: sql, arguments: ["\(used)", Columns.blob([49, 50]), used])
            }
        }
        try queue.close()
        _ = try await store.open()
        _ = try await store.prune(finishedBefore: Self.time, at: Self.time)
        #expect(try await store.cachedResult(for: CacheKey("1"), at: Self.time) == nil)
        #expect(try await store.cachedResult(for: CacheKey("2"), at: Self.time)?.description == "12")
        await store.close()
    }

    private static func keep(_ second: Int, bytes: Int, _ store: SQLiteJobStore) async throws {
        let value = RawJSON(unchecked: [UInt8](repeating: 49, count: bytes))
        _ = try await store.write([
            .cache(CacheStore(key: CacheKey("\(second)")), value, time + .seconds(second))
        ])
    }

    private static func fill(_ store: SQLiteJobStore, jobs: Int, results: Int) async throws {
        var changes: [StoreChange] = []
        for _ in 0..<jobs {
            let request = JobRequest(name: "a")
            var status = JobStatus(state: .running, created: time)
            changes.append(.insert(StoredJob(request: request, status: status)))
            status.revision = 2
            status.state = .succeeded
            status.finished = time
            changes.append(.update(request.id, status, nil))
        }
        for number in 0..<results {
            let wish = CacheStore(key: CacheKey("\(number)"), expire: .seconds(1))
            changes.append(.cache(wish, .null, time))
        }
        _ = try await store.write(changes)
    }
}
