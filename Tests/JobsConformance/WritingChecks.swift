import DashJSON
import Jobs
import Testing

extension JobStoreConformance {
    static let writingChecks: [Check] = [
        Check("progress is written at most every 200 ms, and with the outcome") { try await $0.fewWrites() },
        Check("updates of unfinished and recent jobs do not access the store") { try await $0.newsFromMemory() },
        Check("an unused manager does not write") { try await $0.quiet() },
        Check("a call before the manager runs waits for it") { try await $0.waitsForOpening() },
        Check("a cancelled call before the manager runs ends") { try await $0.cancelledBeforeOpening() },
    ]

    private func fewWrites() async throws {
        let store = place()()
        try await withManager(store) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            store.setFaults { _ in .none }
            for round in 1...3 {
                for value in 0..<100 { run.progress("[[\"bar\",\"value\",\(value)]]") }
                try await eventually("the timer") { clock.sleeperCount == 1 }
                clock.advance(by: .milliseconds(199))
                #expect(store.writes.count == round - 1)
                clock.advance(by: .milliseconds(1))
                try await eventually("the flush") { store.writes.count == round }
            }
            for value in 0..<100 { run.progress("[[\"bar\",\"value\",\(value)]]") }
            run.succeed()
            _ = try await manager.end(of: id)
            #expect(store.writes.count == 4)
        }
    }

    private func newsFromMemory() async throws {
        let store = place()()
        try await withManager(store) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            store.setFaults { _ in .none }
            _ = try await manager.update(of: id, after: 0)
            #expect(store.calls == 0)
            run.succeed()
            _ = try await manager.end(of: id)
            for _ in 0..<10 { _ = try await manager.update(of: id, after: 0) }
            _ = try await manager.nextUpdate(of: id, after: 0)
            #expect(store.calls == 1)
        }
    }

    private func quiet() async throws {
        let store = place()()
        try await withManager(store) { manager, _ in
            try await manager.open()
            store.setFaults { _ in .none }
            clock.advance(by: .seconds(1_000_000))
            #expect(clock.sleeperCount == 0)
        }
        #expect(store.calls == 0)
    }

    private func waitsForOpening() async throws {
        let executor = TestExecutor()
        let setup = JobManagerConformance.Setup(executor: executor, clock: clock)
        let manager = EmbeddedJobManager(store: place()(), setup: setup)
        let starting = Task { try await manager.start(JobRequest(name: "a")) }
        await Task.yield()
        let service = Task { try await manager.run() }
        let run = await executor.next()
        let id = try await starting.value
        run.succeed()
        #expect(try await manager.end(of: id).state == .succeeded)
        service.cancel()
        try await service.value
    }

    private func cancelledBeforeOpening() async throws {
        let setup = JobManagerConformance.Setup(executor: TestExecutor(), clock: clock)
        let manager = EmbeddedJobManager(store: place()(), setup: setup)
        let starting = Task { try await manager.start(JobRequest(name: "a")) }
        await Task.yield()
        starting.cancel()
        await #expect(throws: CancellationError.self) { try await starting.value }
    }
}
