import DashJSON
import Jobs
import JobsConformance
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import RedisClient

@Suite(
    "Several web servers on one Redis",
    .takesTurns,
    .enabled(if: RedisServer.isAvailable, RedisServer.whyNot),
    .timeLimit(.minutes(10))
)
struct SeveralServersTests {
    @Test("any server can read, cancel and record deliveries for a job that another one started")
    func alternately() async throws {
        let site = TestSite(try await RedisServer.shared().database())
        let (one, two) = (site.manager(), site.manager())
        try await whileRunning(one, two, try site.worker()) {
            for round in 0..<10 {
                let (here, there) = round.isMultiple(of: 2) ? (one, two) : (two, one)
                let id = try await here.start(JobRequest(name: "a", owner: "ann"))
                let run = await site.executor.next()
                async let progress = there.nextUpdate(of: id, after: 0)
                run.progress(#"[["bar","value",1]]"#)
                let update = try #require(try await progress)
                #expect(update.progress.map(\.value.description) == ["1"])
                try await there.record(Jobs.Delivery(poll: 1, from: 0, through: update.sequence), for: id)
                #expect(try await here.update(of: id, after: 0)?.delivery?.poll == 1)
                run.succeed("\(round)")
                #expect(try await there.update(of: id) { _ in false }?.result?.description == "\(round)")
                #expect(try await here.update(of: id, after: 0)?.result?.description == "\(round)")
            }
            let id = try await one.start(JobRequest(name: "a"))
            _ = await site.executor.next()
            try await two.cancel(id, reason: "from there")
            let end = try await one.update(of: id) { _ in false }
            #expect(end?.state == .cancelled)
            #expect(end?.endReason == "from there")
        }
    }

    @Test("a task on the queue has the name of its definition, which monitoring tools show")
    func names() throws {
        let jobs = [
            JobDefinition(name: "app/p.children", taskName: "app/p.children", version: ""),
            JobDefinition(name: "app/b", taskName: "named", version: ""),
        ]
        let setup = JobBackendSetup(jobs: jobs, logger: .quiet)
        let options = CeleryManager.Options()
        let messages = try ["app/p.children", "app/b"].map { try setup.message(for: JobRequest(name: $0), options) }
        #expect(messages.map { $0.headers["task"] } == ["app/p.children", "named"])
        #expect(messages.map { $0.headers["shadow"] } == [.null, .null])
    }

    @Test("F23: all servers return a result that one cached, and nothing runs again")
    func cache() async throws {
        let site = TestSite(try await RedisServer.shared().database())
        let (one, two) = (site.manager(), site.manager())
        try await whileRunning(one, two, try site.worker()) {
            site.executor.answer("once") { _ in .succeeded(Array("1".utf8)) }
            let key = CacheKey("k")
            let id = try await one.start(JobRequest(name: "once", cache: CacheStore(key: key)))
            _ = try await one.update(of: id) { _ in false }
            try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<100 {
                    let manager = number.isMultiple(of: 2) ? one : two
                    group.addTask { try await manager.cachedResult(for: key)?.description }
                }
                for try await result in group { #expect(result == "1") }
            }
            #expect(site.executor.executedCount == 1)
        }
    }

    @Test("F23: 100 concurrent starts under one key on two servers run one job, and each has its result")
    func singleFlight() async throws {
        let site = TestSite(try await RedisServer.shared().database())
        let (one, two) = (site.manager(), site.manager())
        try await whileRunning(one, two, try site.worker()) {
            let wish = CacheStore(key: CacheKey("k"), reuseCached: true)
            try await withThrowingTaskGroup(of: String?.self) { group in
                for number in 0..<100 {
                    let manager = number.isMultiple(of: 2) ? one : two
                    group.addTask {
                        let id = try await manager.start(JobRequest(name: "a", owner: "\(number)", cache: wish))
                        return try await manager.update(of: id) { _ in false }?.result?.description
                    }
                }
                await site.executor.next().succeed("1")
                for try await result in group { #expect(result == "1") }
            }
            #expect(site.executor.executedCount == 1)
        }
    }

    @Test("F12: Redis loses its data: no job is reported as running, and waiters learn that theirs is unknown")
    func forgetfulRedis() async throws {
        let server = try await RedisServer.start()
        let site = TestSite(try RedisURL(server.address))
        let manager = site.manager()
        try await whileRunning(manager, try site.worker()) {
            let id = try await manager.start(JobRequest(name: "a"))
            let run = await site.executor.next()
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            async let update = manager.nextUpdate(of: id, after: known)
            server.kill()
            try await server.launch()
            let answer = try await update
            #expect(answer == nil)
            run.succeed("1")
            // The queue still works.
            let later = try await start(JobRequest(name: "b"), manager)
            await site.executor.next().succeed("2")
            #expect(try await manager.update(of: later) { _ in false }?.result?.description == "2")
            let gone = try await manager.update(of: id, after: 0)
            #expect(gone == nil)
        }
    }

    @Test("F12: Redis restarts and keeps its data: nothing is lost")
    func restartedRedis() async throws {
        let server = try await RedisServer.start(appendOnly: true, arguments: ["--appendfsync", "always"])
        let site = TestSite(try RedisURL(server.address))
        let manager = site.manager()
        try await whileRunning(manager, try site.worker()) {
            let id = try await manager.start(JobRequest(name: "a"))
            let run = await site.executor.next()
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            async let update = manager.nextUpdate(of: id, after: known)
            server.kill()
            try await server.launch()
            run.succeed("1")
            #expect(try await update?.result?.description == "1")
            #expect(site.executor.executedCount == 1)
        }
    }

    /// Starts a job as soon as Redis is reachable again.
    private func start(_ request: JobRequest, _ manager: CeleryJobManager) async throws -> JobID {
        for _ in 0..<100 {
            if let id = try? await manager.start(request) { return id }
        }
        return try await manager.start(request)
    }
}
