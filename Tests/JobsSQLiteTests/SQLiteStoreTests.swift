import DashJSON
import Jobs
import JobsSQLite
import Testing

@Suite("The SQLite store")
struct SQLiteStoreTests {
    private static let time = WallTime(milliseconds: 1_800_000_000_000)

    @Test("stores and reads a job unchanged")
    func roundTrip() async throws {
        try await withStore { store in
            let request = JobRequest(
                name: "app/job “x”",
                payload: [1, 0, 255],
                owner: "ann",
                page: "p",
                queue: "q",
                priority: -3,
                version: "v",
                retries: .upTo(
                    2,
                    backoff: .exponential(first: .milliseconds(1500), factor: 1.5, longest: .seconds(60))
                ),
                cache: CacheStore(key: CacheKey("k"), expire: .milliseconds(1234)),
                details: Array("{}".utf8)
            )
            var status = JobStatus(state: .running, created: Self.time)
            status.attempt = 1
            status.started = Self.time + .seconds(1)
            #expect(try await store.write([.insert(StoredJob(request: request, status: status))]).isEmpty)
            let found = try #require(try await store.job(request.id))
            #expect(found.request.payload == request.payload)
            #expect(found.request.retries == request.retries)
            #expect(found.request.cache == request.cache)
            #expect(found.request.details == request.details)
            #expect([found.request.queue, found.request.page, found.request.name] == ["q", "p", "app/job “x”"])
            #expect(found.request.priority == -3)
            #expect(found.status.started == status.started)
            #expect(found.status.created == Self.time)
        }
    }

    @Test("F5: an older status never replaces a newer one")
    func revisions() async throws {
        try await withStore { store in
            let request = JobRequest(name: "a")
            var status = JobStatus(state: .running, created: Self.time)
            _ = try await store.write([.insert(StoredJob(request: request, status: status))])
            status.revision = 3
            status.state = .succeeded
            status.finished = Self.time
            status.result = RawJSON(1)
            _ = try await store.write([.update(request.id, status, nil)])
            var late = JobStatus(state: .running, created: Self.time)
            late.revision = 2
            _ = try await store.write([.update(request.id, late, nil)])
            late.revision = 3
            _ = try await store.write([.update(request.id, late, nil)])
            #expect(try await store.job(request.id)?.status.state == .succeeded)
            let again = StoredJob(request: request, status: JobStatus(state: .queued, created: Self.time))
            #expect(try await store.write([.insert(again)]) == [request.id])
            #expect(try await store.job(request.id)?.status.result?.description == "1")
        }
    }

    @Test("the input of a finished job is removed")
    func payloadGone() async throws {
        try await withStore { store in
            let request = JobRequest(name: "a", payload: [1, 2, 3])
            var status = JobStatus(state: .queued, created: Self.time)
            _ = try await store.write([.insert(StoredJob(request: request, status: status))])
            status.revision = 2
            status.finished = Self.time
            status.state = .cancelled
            _ = try await store.write([.update(request.id, status, nil)])
            #expect(try await store.job(request.id)?.request.payload == [])
        }
    }

    @Test("old jobs and expired results are removed, and the next times are returned")
    func pruning() async throws {
        try await withStore { store in
            for second in 0..<10 {
                try await finish(JobRequest(name: "a"), at: Self.time + .seconds(second), store)
                let wish = CacheStore(key: CacheKey("\(second)"), expire: .seconds(second + 1))
                _ = try await store.write([.cache(wish, .null, Self.time)])
            }
            _ = try await store.write([.cache(CacheStore(key: CacheKey("for ever")), .null, Self.time)])
            let left = try await store.prune(finishedBefore: Self.time + .seconds(4), at: Self.time + .seconds(6))
            #expect(left.oldestFinished == Self.time + .seconds(5))
            #expect(left.nextExpiry == Self.time + .seconds(7))
            let none = try await store.prune(finishedBefore: Self.time + .seconds(9), at: Self.time + .seconds(99))
            #expect(none == StorePruning())
            #expect(try await store.cachedResult(for: CacheKey("for ever"), at: Self.time + .seconds(1_000_000)) != nil)
        }
    }

    @Test("the cache is limited: the least recently used results are removed first")
    func cacheBound() async throws {
        try await withStore({ SQLiteJobStore(folder: $0, maximumCacheBytes: 350) }) { store in
            let value = RawJSON(unchecked: [UInt8](repeating: 49, count: 100))
            for second in 0..<5 {
                let wish = CacheStore(key: CacheKey("\(second)"))
                _ = try await store.write([.cache(wish, value, Self.time + .seconds(second))])
            }
            _ = try await store.cachedResult(for: CacheKey("0"), at: Self.time + .seconds(10))
            _ = try await store.prune(finishedBefore: Self.time, at: Self.time + .seconds(11))
            var left: [Int] = []
            for second in 0..<5 {
                let found = try await store.cachedResult(for: CacheKey("\(second)"), at: Self.time + .seconds(12))
                if found != nil { left.append(second) }
            }
            #expect(left == [0, 3, 4])
        }
    }

    @Test("F10: a full disk is an error with a message; reading works, and so does writing once there is space")
    func diskFull() async throws {
        try await withStore({ SQLiteJobStore(folder: $0, maximumFileBytes: 400_000) }) { store in
            var accepted: [JobID] = []
            var refused: JobsError?
            while refused == nil {
                let request = JobRequest(name: "a", payload: [UInt8](repeating: 1, count: 20_000))
                let job = StoredJob(request: request, status: JobStatus(state: .queued, created: Self.time))
                do {
                    _ = try await store.write([.insert(job)])
                    accepted.append(request.id)
                } catch let error as JobsError {
                    refused = error
                    #expect(try await store.job(request.id) == nil)
                }
            }
            #expect(refused?.code == .storage)
            #expect(refused?.message == "The disk is full: free some space, then try again.")
            #expect(accepted.count > 5)
            #expect(try await store.job(accepted[0])?.request.payload.count == 20_000)
            _ = try await store.write(accepted.prefix(2).map { .remove($0) })
            try await finish(JobRequest(name: "b"), at: Self.time, store)
        }
    }

    @Test("a failed write does not affect others of its group")
    func gathered() async throws {
        try await withStore({ SQLiteJobStore(folder: $0, maximumFileBytes: 400_000) }) { store in
            let good = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let size = number % 10 == 0 ? 1_000_000 : 10
                        let request = JobRequest(name: "a", payload: [UInt8](repeating: 1, count: size))
                        let job = StoredJob(request: request, status: JobStatus(state: .queued, created: Self.time))
                        let isWritten = (try? await store.write([.insert(job)])) != nil
                        let isThere = try await store.job(request.id) != nil
                        #expect(isWritten == isThere)
                        return isWritten
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(good == 45)
        }
    }

    private func finish(_ request: JobRequest, at time: WallTime, _ store: SQLiteJobStore) async throws {
        var status = JobStatus(state: .running, created: time)
        _ = try await store.write([.insert(StoredJob(request: request, status: status))])
        status.revision = 2
        status.state = .succeeded
        status.finished = time
        _ = try await store.write([.update(request.id, status, nil)])
    }

    private func withStore(
        _ make: (String) -> SQLiteJobStore = { SQLiteJobStore(folder: $0) },
        _ body: (SQLiteJobStore) async throws -> Void
    ) async throws {
        let folder = TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let store = make(folder.path)
        _ = try await store.open()
        try await body(store)
        await store.close()
        try folder.checkIntegrity()
    }
}
