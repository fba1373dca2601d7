import DashJSON
import Jobs
import Testing

extension JobStoreConformance {
    static let faultChecks: [Check] = [
        Check("F8: the n-th store call fails, n = 1, 2, …: an error or the old state, and the next job works") {
            try await $0.nthCallFails(.fail)
        },
        Check("F9: the n-th store call succeeds but throws: no second job, no other result") {
            try await $0.nthCallFails(.doThenFail)
        },
        Check("F6: the process ends after the n-th write: acknowledged changes are stored") {
            try await $0.diesAfterWrite()
        },
        Check("F10: the disk is full at a result: the job fails, reading and later jobs work") {
            try await $0.diskFull()
        },
        Check("F10: a start that cannot be written has no effect") { try await $0.startNotWritten() },
        Check("F30: updates are returned while the store hangs") { try await $0.hangs() },
        Check("a failed start leaves no job for the next process") { try await $0.noGhost() },
    ]

    /// Runs a job with progress and a cached result, as far as the store permits.
    private func workload(
        _ manager: EmbeddedJobManager,
        _ executor: TestExecutor,
        _ request: JobRequest
    ) async throws -> JobUpdate {
        let id = try await manager.start(request)
        let run = await executor.next()
        run.setProps(#"[["a","x",1]]"#)
        clock.advance(by: .milliseconds(200))
        run.succeed("1")
        return try await manager.end(of: id)
    }

    private func nthCallFails(_ fault: FaultyStore.Fault) async throws {
        for number in 1..<50 {
            let place = place()
            let store = place()
            let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey("k")))
            let calls = try await withManager(store, maximumConcurrency: 1) { manager, executor in
                let (_, first) = try await manager.startHeld(JobRequest(name: "first"), executor)
                store.setFaults { $0 == number ? fault : .none }
                try await start(request, manager)
                first.succeed()
                try await finish(request.id, manager, executor)
                let calls = store.calls
                store.setFaults { _ in .none }
                #expect(try await workload(manager, executor, JobRequest(name: "b")).state == .succeeded)
                return calls
            }
            try await restartAgrees(place(), request)
            if calls < number { return }
        }
        Issue.record("the workload never ended")
    }

    /// Repeats a failed start with the same id, as a robust caller would.
    private func start(_ request: JobRequest, _ manager: EmbeddedJobManager) async throws {
        do {
            _ = try await manager.start(request)
        } catch let error as JobsError {
            #expect(error.code == .storage)
            #expect(try await manager.update(of: request.id, after: 0) == nil)
            _ = try await manager.start(request)
        }
    }

    /// Waits for the job to begin, possibly after the pause that follows a failed write, and finishes it.
    private func finish(_ id: JobID, _ manager: EmbeddedJobManager, _ executor: TestExecutor) async throws {
        var pauses = 0
        try await eventually("the beginning") {
            if executor.executedCount < 2, clock.sleeperCount > 0, pauses < 400 {
                clock.advance(by: .milliseconds(250))
                pauses += 1
            }
            return executor.executedCount == 2
        }
        let end = try await workloadEnd(id, manager, executor)
        #expect(end.state == .succeeded || end.failure?.kind == .storage)
        #expect(executor.executedCount == 2)
    }

    private func workloadEnd(
        _ id: JobID,
        _ manager: EmbeddedJobManager,
        _ executor: TestExecutor
    ) async throws -> JobUpdate {
        let run = await executor.next()
        run.setProps(#"[["a","x",1]]"#)
        clock.advance(by: .milliseconds(200))
        run.succeed("1")
        return try await manager.end(of: id)
    }

    /// Checks in a new process that the job has one outcome, with a result if it succeeded.
    private func restartAgrees(_ store: FaultyStore, _ request: JobRequest) async throws {
        try await withManager(store) { manager, executor in
            let news = try #require(try await manager.update(of: request.id, after: 0))
            #expect(news.state.isFinished)
            #expect((news.state == .succeeded) == (news.result != nil))
            #expect(executor.executedCount == 0)
        }
    }

    private func diesAfterWrite() async throws {
        for number in 0..<50 {
            let place = place()
            let store = place()
            let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey("k")))
            let (isAccepted, end) = try await withManager(store) { manager, executor in
                try await manager.open()
                store.setFaults { $0 <= number ? .none : .fail }
                guard (try? await manager.start(request)) != nil else { return (false, JobUpdate?.none) }
                return (true, try await workloadEnd(request.id, manager, executor))
            }
            try await checkSurvival(place(), request, isAccepted, end)
            if end?.state == .succeeded { return }
        }
        Issue.record("the workload never ended")
    }

    private func checkSurvival(
        _ store: FaultyStore,
        _ request: JobRequest,
        _ isAccepted: Bool,
        _ end: JobUpdate?
    ) async throws {
        try await withManager(store) { manager, executor in
            let news = try await manager.update(of: request.id, after: 0)
            #expect((news != nil) == isAccepted)
            if end?.state == .succeeded {
                #expect(news?.result?.description == "1")
                #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "1")
            } else if isAccepted {
                #expect(news?.state == .lost)
            }
            #expect(executor.executedCount == 0)
        }
    }

    private func diskFull() async throws {
        let place = place()
        let store = place()
        let id = try await withManager(store) { manager, executor in
            let (before, first) = try await manager.startHeld(JobRequest(name: "a"), executor)
            first.succeed("1")
            _ = try await manager.end(of: before)
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            store.setFaults { _ in .fail }
            run.succeed("2")
            let end = try await manager.end(of: id)
            #expect(end.state == .failed)
            #expect(end.failure?.kind == .storage)
            #expect(end.failure?.message.contains("The disk is full.") == true)
            #expect(try await manager.update(of: before, after: 0)?.result?.description == "1")
            await #expect(throws: JobsError.self) { try await manager.start(JobRequest(name: "b")) }
            store.setFaults { _ in .none }
            let (later, second) = try await manager.startHeld(JobRequest(name: "c"), executor)
            second.succeed("3")
            #expect(try await manager.end(of: later).state == .succeeded)
            return id
        }
        try await withManager(place()) { manager, _ in
            let news = try await manager.update(of: id, after: 0)
            #expect(news?.state == .failed)
        }
    }

    private func startNotWritten() async throws {
        let store = place()()
        try await withManager(store) { manager, executor in
            try await manager.open()
            store.setFaults { _ in .fail }
            let request = JobRequest(name: "a", owner: "ann")
            for _ in 0..<300 {
                let error = await #expect(throws: JobsError.self) { try await manager.start(request) }
                #expect(error?.code == .storage)
            }
            #expect(await manager.statistics() == JobStatistics(maximumRunning: 4))
            store.setFaults { _ in .none }
            #expect(try await workload(manager, executor, request).state == .succeeded)
        }
    }

    private func hangs() async throws {
        let store = place()()
        try await withManager(store) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            store.hold()
            run.progress(#"[["bar","value",1]]"#)
            clock.advance(by: .milliseconds(200))
            #expect(texts(try await manager.update(of: id, after: 0)?.progress ?? []) == ["bar.value=1"])
            async let started = manager.start(JobRequest(name: "b"))
            try await manager.record(Delivery(poll: 1, from: 0, through: 1), for: id)
            run.succeed("1")
            #expect(try await manager.update(of: id, after: 0)?.state == .running)
            store.release()
            #expect(try await manager.end(of: id).state == .succeeded)
            _ = try await started
        }
    }

    private func noGhost() async throws {
        let place = place()
        let store = place()
        let request = JobRequest(name: "ghost")
        try await withManager(store) { manager, _ in
            try await manager.open()
            store.setFaults { $0 == 1 ? .doThenFail : .none }
            await #expect(throws: JobsError.self) { try await manager.start(request) }
        }
        try await withManager(place()) { manager, executor in
            let news = try await manager.update(of: request.id, after: 0)
            #expect(news == nil)
            #expect(executor.executedCount == 0)
        }
    }
}
