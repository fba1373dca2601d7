import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let cancellationChecks: [Check] = [
        Check("a waiting job is cancelled at once and never runs") { try await $0.cancelWaiting() },
        Check("a running job becomes cancelling at once, then cancelled") { try await $0.cancelRunning() },
        Check("F3: a job that ignores cancellation does not block others, and its changes are dropped") {
            try await $0.cancelStubborn()
        },
        Check("cancelling a finished job has no effect") { try await $0.cancelFinished() },
        Check("the result of a cancelled job is discarded and not cached") { try await $0.cancelledResult() },
        Check("F4: cancel races with finish, 1,000 times: exactly one outcome") { try await $0.cancelRace() },
        Check("F4: cancel races with start: the job ends in any case") { try await $0.cancelAtStart() },
    ]

    private func cancelWaiting() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let waiting = try await manager.start(JobRequest(name: "b"))
            let last = try await manager.start(JobRequest(name: "c"))
            try await manager.cancel(waiting, reason: "by ann")
            let news = try #require(try await manager.update(of: waiting, after: 0))
            #expect(news.state == .cancelled)
            #expect(news.endReason == "by ann")
            run.succeed()
            let next = await executor.next()
            #expect(next.task.name == "c")
            next.succeed()
            #expect(try await manager.end(of: last).state == .succeeded)
        }
    }

    private func cancelRunning() async throws {
        try await withManager { manager, executor in
            executor.ignoreCancellation()
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            async let update = manager.nextUpdate(of: id, after: known)
            try await manager.cancel(id, reason: "by ann")
            #expect(try await update?.state == .cancelling)
            #expect(executor.cancelled == [run.task.id])
            run.end(.cancelled(killed: true))
            let end = try await manager.end(of: id)
            #expect(end.state == .cancelled)
            #expect(end.endReason == "by ann")
            #expect(end.failure == nil)
        }
    }

    private func cancelStubborn() async throws {
        try await withManager { manager, executor in
            executor.ignoreCancellation()
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let (other, second) = try await manager.startHeld(JobRequest(name: "b"), executor)
            run.setProps(#"[["a","x",1]]"#)
            try await manager.cancel(id, reason: "x")
            try await manager.cancel(id, reason: "y")
            run.setProps(#"[["a","x",2]]"#)
            run.progress(#"[["a","x",3]]"#)
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(news.props) == ["a.x=1"])
            #expect(news.progress.isEmpty)
            second.succeed()
            #expect(try await manager.end(of: other).state == .succeeded)
            run.end(.cancelled(killed: true))
            #expect(try await manager.end(of: id).endReason == "x")
        }
    }

    private func cancelFinished() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.succeed("1")
            let end = try await manager.end(of: id)
            try await manager.cancel(id, reason: "late")
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(news.state == .succeeded)
            #expect(news.endReason == nil)
            #expect(news.sequence == end.sequence)
        }
    }

    private func cancelledResult() async throws {
        try await withManager { manager, executor in
            executor.ignoreCancellation()
            let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey("k")))
            let (id, run) = try await manager.startHeld(request, executor)
            try await manager.cancel(id, reason: "x")
            run.succeed("1")
            let end = try await manager.end(of: id)
            #expect(end.state == .cancelled)
            #expect(end.result == nil)
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
        }
    }

    private func cancelRace() async throws {
        try await withManager(maximumConcurrency: 8) { manager, executor in
            executor.ignoreCancellation()
            var ends: [JobState: Int] = [:]
            for seed in 0..<1000 {
                let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
                async let cancelled: Void = Self.after(seed % 7) { try await manager.cancel(id, reason: "race") }
                async let finished: Void = Self.after(seed / 7 % 7) { run.succeed("1") }
                let end = try await manager.end(of: id)
                _ = try await (cancelled, finished)
                let later = try #require(try await manager.update(of: id, after: 0))
                try #require(end.state == .succeeded || end.state == .cancelled)
                try #require((end.result != nil) == (end.state == .succeeded))
                try #require(later.state == end.state && later.sequence == end.sequence)
                ends[end.state, default: 0] += 1
            }
            #expect(ends.values.reduce(0, +) == 1000)
            #expect(await manager.statistics().running == 0)
        }
    }

    private static func after(_ turns: Int, _ body: () async throws -> Void) async throws {
        for _ in 0..<turns { await Task.yield() }
        try await body()
    }

    private func cancelAtStart() async throws {
        try await withManager(maximumConcurrency: 8) { manager, executor in
            executor.answer("quick") { _ in .succeeded(Array("1".utf8)) }
            for seed in 0..<200 {
                let request = JobRequest(name: "quick")
                async let started = manager.start(request)
                async let cancelled: Void = Self.after(seed % 9) {
                    try await manager.cancel(request.id, reason: "race")
                }
                _ = try await (started, cancelled)
                let end = try await manager.end(of: request.id)
                try #require(end.state == .succeeded || end.state == .cancelled)
            }
            #expect(await manager.statistics().running == 0)
        }
    }
}
