import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let limitChecks: [Check] = [
        Check("results above the memory limit are returned to concurrent callers") {
            try await $0.largeResults()
        },
        Check("a result above the limit is a failure without a retry") { try await $0.tooLarge() },
        Check("inputs that exceed the total size are rejected as busy, and accepted later") {
            try await $0.busyBytes()
        },
        Check("the inputs of an earlier process count towards the total size") { try await $0.bytesAfterRestart() },
        Check("16 owners with 100 unfinished jobs each are within the limits") { try await $0.manyUnfinished() },
        Check("of 1,600 jobs of one owner 1,000 are accepted, the others rejected and accepted later") {
            try await $0.oneOwner()
        },
        Check("the longest durations are supported") { try await $0.longDurations() },
    ]

    private func largeResults() async throws {
        let large = (0..<4).map { number in "\"\(number)\(String(repeating: "x", count: 5000))\"" }
        try await withManager({ $0.maximumFinishedBytesInMemory = 1000 }) { manager, executor in
            var ids: [JobID] = []
            for result in large {
                let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
                run.succeed(result)
                #expect(try await manager.end(of: id).result?.description == result)
                ids.append(id)
            }
            #expect(await manager.statistics().finished <= 1)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for turn in 0..<200 {
                    let (id, result) = (ids[turn % 4], large[turn % 4])
                    group.addTask {
                        try await manager.record(Delivery(poll: turn, from: 0, through: 1), for: id)
                        #expect(try await manager.update(of: id, after: 0)?.result?.description == result)
                        #expect(try await manager.nextUpdate(of: id, after: 0)?.result?.description == result)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    private func tooLarge() async throws {
        try await withManager({ $0.maximumResultBytes = 10 }) { manager, executor in
            executor.answer("fits") { _ in .succeeded(Array("1234567890".utf8)) }
            executor.answer("large") { _ in .succeeded(Array("12345678901".utf8)) }
            let fits = try await manager.start(JobRequest(name: "fits"))
            #expect(try await manager.end(of: fits).state == .succeeded)
            let cache = CacheStore(key: CacheKey("k"))
            let large = try await manager.start(JobRequest(name: "large", retries: .upTo(3), cache: cache))
            let end = try await manager.end(of: large)
            #expect(end.state == .failed)
            #expect(end.result == nil)
            #expect(end.failure?.kind == .tooLarge)
            #expect(end.failure?.message == "The job's result has 11 bytes; the limit is 10.")
            #expect(executor.executedCount == 2)
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
        }
    }

    private func request(bytes: Int) -> JobRequest {
        let half = [UInt8](repeating: 49, count: bytes / 2)
        return JobRequest(name: "a", payload: half, details: half)
    }

    private func refusal(_ request: JobRequest, _ manager: any JobManager) async -> JobsError? {
        await #expect(throws: JobsError.self) { try await manager.start(request) }
    }

    private func busyBytes() async throws {
        try await withManager(maximumConcurrency: 1, { $0.maximumUnfinishedBytes = 100 }) { manager, executor in
            let (_, run) = try await manager.startHeld(request(bytes: 60), executor)
            let waiting = try await manager.start(request(bytes: 40))
            let refused = request(bytes: 40)
            let error = await refusal(refused, manager)
            #expect(error?.code == .busy)
            let words = "The inputs of unfinished jobs already take 100 bytes. Try again in a moment."
            #expect(error?.message == words)
            #expect(await refusal(request(bytes: 102), manager)?.code == .tooLarge)
            try await manager.cancel(waiting, reason: "x")
            let later = try await manager.start(refused)
            run.succeed()
            await executor.next().succeed()
            #expect(try await manager.end(of: later).state == .succeeded)
            let (last, lastRun) = try await manager.startHeld(request(bytes: 100), executor)
            lastRun.fail()
            #expect(try await manager.end(of: last).state == .failed)
        }
    }

    private func bytesAfterRestart() async throws {
        let waiting = try await withManager(maximumConcurrency: 1) { manager, executor in
            _ = try await manager.startHeld(request(bytes: 2), executor)
            return try await manager.start(request(bytes: 80))
        }
        try await withManager(maximumConcurrency: 1, { $0.maximumUnfinishedBytes = 100 }) { manager, executor in
            let run = await executor.next()
            #expect(await refusal(request(bytes: 20), manager)?.code == .busy)
            run.succeed()
            await executor.next().succeed()
            #expect(try await manager.end(of: waiting).state == .succeeded)
            let (id, next) = try await manager.startHeld(request(bytes: 100), executor)
            next.succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
        }
    }

    private func manyUnfinished() async throws {
        try await withManager(maximumConcurrency: 8) { manager, executor in
            var ids: [JobID] = []
            for number in 0..<1600 {
                ids.append(try await manager.start(JobRequest(name: "a", owner: "\(number % 16)")))
            }
            for _ in ids { await executor.next().succeed() }
            for id in ids { #expect(try await manager.end(of: id).state == .succeeded) }
        }
    }

    private func oneOwner() async throws {
        try await withManager(maximumConcurrency: 8) { manager, executor in
            let requests = (0..<1600).map { _ in JobRequest(name: "a", owner: "ann") }
            for request in requests.prefix(1000) { _ = try await manager.start(request) }
            for request in requests.dropFirst(1000) {
                let error = await refusal(request, manager)
                #expect(error?.code == .jobsPerOwner)
                let words = "You already have 1000 unfinished jobs. Wait for one to finish, or cancel one."
                #expect(error?.message == words)
            }
            _ = try await manager.start(JobRequest(name: "a", owner: "bob"))
            for _ in 0..<1001 { await executor.next().succeed() }
            for request in requests.prefix(1000) { _ = try await manager.end(of: request.id) }
            for request in requests.dropFirst(1000) { _ = try await manager.start(request) }
            for _ in 0..<600 { await executor.next().succeed() }
            for request in requests { #expect(try await manager.end(of: request.id).state == .succeeded) }
        }
    }

    private func longDurations() async throws {
        for long in [Duration.seconds(Int64.max), .seconds(Int64.max) * 2, .seconds(Int64.max / 1000)] {
            let failing = try await withManager({ Self.set(long, in: &$0) }) { manager, executor in
                try await useLong(long, manager, executor)
            }
            try await withManager({ Self.set(long, in: &$0) }) { manager, _ in
                clock.advance(by: .seconds(1_000_000))
                for _ in 0..<2 {
                    #expect(try await manager.cachedResult(for: CacheKey("\(long)"))?.description == "1")
                }
                #expect(try await manager.update(of: failing, after: 0)?.state == .scheduled)
                try await manager.cancel(failing, reason: "x")
            }
        }
    }

    private static func set(_ long: Duration, in rules: inout JobManagerConfiguration) {
        rules.keepFinished = long
        rules.abandonQueuedAfter = long
    }

    /// Caches a result for a duration, and starts a job that is retried after it.
    private func useLong(_ long: Duration, _ manager: any JobManager, _ executor: TestExecutor) async throws -> JobID {
        let cache = CacheStore(key: CacheKey("\(long)"), expire: long)
        let (id, run) = try await manager.startHeld(JobRequest(name: "a", cache: cache), executor)
        run.succeed("1")
        _ = try await manager.end(of: id)
        let retries = RetryPolicy.upTo(1, backoff: .constant(long))
        let (failing, second) = try await manager.startHeld(JobRequest(name: "a", retries: retries), executor)
        let known = try #require(try await manager.update(of: failing, after: 0)).sequence
        second.fail()
        #expect(try await manager.nextUpdate(of: failing, after: known)?.state == .scheduled)
        return failing
    }
}
