import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let cacheChecks: [Check] = [
        Check("a cached result is found by its key") { try await $0.cacheHit() },
        Check("a cached result expires some time after its last use") { try await $0.cacheExpiry() },
        Check("a cached result without an expiry stays") { try await $0.cacheForever() },
        Check("F24: an error is not cached") { try await $0.errorNotCached() },
        Check("a newer result replaces an older one") { try await $0.cacheReplaced() },
        Check("defect 3: properties of a job are sent once, not in the next run, and its cached result stays") {
            try await $0.setOnce()
        },
        Check("a cached result survives a restart, and its last use too") { try await $0.cacheSurvives() },
    ]

    private func keep(
        _ result: String,
        expire: Duration?,
        _ manager: any JobManager,
        _ executor: TestExecutor
    ) async throws {
        let wish = CacheStore(key: CacheKey("k"), expire: expire)
        let (id, run) = try await manager.startHeld(JobRequest(name: "a", cache: wish), executor)
        run.succeed(result)
        _ = try await manager.end(of: id)
    }

    private func cacheHit() async throws {
        try await withManager { manager, executor in
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
            try await keep(#"{"a":1}"#, expire: .seconds(60), manager, executor)
            #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == #"{"a":1}"#)
            #expect(try await manager.cachedResult(for: CacheKey("other")) == nil)
        }
    }

    private func setOnce() async throws {
        try await withManager { manager, executor in
            let cache = CacheStore(key: CacheKey("k"))
            let (id, run) = try await manager.startHeld(JobRequest(name: "a", cache: cache), executor)
            run.setProps(#"[["log","children","once"]]"#)
            run.succeed("1")
            let end = try await manager.end(of: id)
            #expect(texts(try await manager.update(of: id, after: 0)?.props ?? []) == [#"log.children="once""#])
            #expect(try await manager.update(of: id, after: end.sequence)?.props.isEmpty == true)
            let (again, next) = try await manager.startHeld(JobRequest(name: "a", cache: cache), executor)
            #expect(try await manager.update(of: again, after: 0)?.props.isEmpty == true)
            #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "1")
            next.succeed("2")
            _ = try await manager.end(of: again)
            #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "2")
        }
    }

    private func cacheExpiry() async throws {
        try await withManager { manager, executor in
            try await keep("1", expire: .seconds(60), manager, executor)
            for _ in 0..<5 {
                clock.advance(by: .seconds(59))
                #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "1")
            }
            clock.advance(by: .seconds(60))
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
        }
    }

    private func cacheForever() async throws {
        try await withManager { manager, executor in
            try await keep("1", expire: nil, manager, executor)
            clock.advance(by: .seconds(100_000_000))
            #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "1")
        }
    }

    private func errorNotCached() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a", cache: CacheStore(key: CacheKey("k")))
            let (id, run) = try await manager.startHeld(request, executor)
            run.fail()
            _ = try await manager.end(of: id)
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
        }
    }

    private func cacheReplaced() async throws {
        try await withManager { manager, executor in
            try await keep("1", expire: .seconds(10), manager, executor)
            try await keep("2", expire: .seconds(20), manager, executor)
            clock.advance(by: .seconds(15))
            #expect(try await manager.cachedResult(for: CacheKey("k"))?.description == "2")
        }
    }

    private func cacheSurvives() async throws {
        try await withManager { manager, executor in
            try await keep("1", expire: .seconds(60), manager, executor)
            clock.advance(by: .seconds(50))
            _ = try await manager.cachedResult(for: CacheKey("k"))
        }
        try await withManager { manager, _ in
            clock.advance(by: .seconds(50))
            let found = try await manager.cachedResult(for: CacheKey("k"))
            #expect(found?.description == "1")
            clock.advance(by: .seconds(60))
            #expect(try await manager.cachedResult(for: CacheKey("k")) == nil)
        }
    }
}
