import DashJSON
import Jobs
import Testing

extension JobStoreConformance {
    static let interruptionChecks: [Check] = [
        Check("a job that was running when the process was killed is lost, with a message") { try await $0.lost() },
        Check("F1: with retries, an interrupted job gets another attempt") { try await $0.lostAndRetried() },
        Check("after a trap of the server, a job runs again without using a retry") {
            try await $0.afterTrap()
        },
        Check("a job is interrupted by traps at most three times") { try await $0.trapLimit() },
        Check("a job that was being cancelled is cancelled after a restart") { try await $0.cancelledAtKill() },
        Check("F17: a lost job is found behind many scheduled ones") { try await $0.manyOthers() },
        Check("the changes of a lost job are returned") { try await $0.changesOfLost() },
        Check("a scheduled job stays scheduled after a restart") { try await $0.scheduledSurvives() },
    ]

    private func kill(_ place: @Sendable () -> FaultyStore, during request: JobRequest) async throws -> JobID {
        try await withKilledManager(place()) { manager, executor in
            try await manager.startHeld(request, executor).0
        }
    }

    private func lost() async throws {
        let place = place()
        let id = try await kill(place, during: JobRequest(name: "a"))
        for _ in 0..<2 {
            try await withManager(place()) { manager, executor in
                let end = try await manager.end(of: id)
                #expect(end.state == .lost)
                #expect(end.failure?.kind == .lost)
                #expect(end.failure?.message.hasPrefix("The server stopped while the job was running.") == true)
                #expect(executor.executedCount == 0)
            }
        }
    }

    private func lostAndRetried() async throws {
        let place = place()
        let id = try await kill(
            place,
            during: JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.seconds(5))))
        )
        try await withManager(place()) { manager, executor in
            try #require(try await manager.update(of: id, after: 0)?.state == .scheduled)
            clock.advance(by: .seconds(5))
            let run = await executor.next()
            #expect(run.task.id == "\(id).2")
            run.fail()
            #expect(try await manager.end(of: id).state == .failed)
        }
    }

    private func afterTrap() async throws {
        let place = place()
        let id = try await kill(place, during: JobRequest(name: "a"))
        try await withManager(place(), { $0.restart = .afterTrap }) { manager, executor in
            let run = await executor.next()
            run.succeed("1")
            let end = try await manager.end(of: id)
            #expect(end.state == .succeeded)
            #expect(end.attempt == 2)
        }
    }

    private func trapLimit() async throws {
        let place = place()
        let id = try await kill(place, during: JobRequest(name: "a"))
        for _ in 0..<3 {
            try await withKilledManager(place(), { $0.restart = .afterTrap }) { _, executor in
                #expect(await executor.next().task.id.hasPrefix(id.text))
            }
        }
        try await withManager(place(), { $0.restart = .afterTrap }) { manager, executor in
            try #require(try await manager.end(of: id).state == .lost)
            #expect(executor.executedCount == 0)
        }
    }

    private func cancelledAtKill() async throws {
        let place = place()
        let id = try await withKilledManager(place()) { manager, executor in
            executor.ignoreCancellation()
            let (id, _) = try await manager.startHeld(JobRequest(name: "a", retries: .upTo(5)), executor)
            try await manager.cancel(id, reason: "by ann")
            return id
        }
        try await withManager(place()) { manager, executor in
            let end = try await manager.end(of: id)
            #expect(end.state == .cancelled)
            #expect(end.endReason == "by ann")
            #expect(executor.executedCount == 0)
        }
    }

    private func manyOthers() async throws {
        let place = place()
        let (others, last) = try await withKilledManager(place(), maximumConcurrency: 301) { manager, executor in
            var others: [JobID] = []
            for number in 0..<300 {
                others.append(
                    try await manager.startHeld(JobRequest(name: "a", owner: "\(number)", retries: .upTo(1)), executor)
                        .0
                )
            }
            return (others, try await manager.startHeld(JobRequest(name: "b", owner: "bob"), executor).0)
        }
        try await withManager(place()) { manager, _ in
            #expect(try await manager.end(of: last).state == .lost)
            for id in others { try #require(try await manager.update(of: id, after: 0)?.state == .scheduled) }
        }
    }

    private func changesOfLost() async throws {
        let place = place()
        let store = place()
        let id = try await withKilledManager(store) { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            store.setFaults { _ in .none }
            run.setProps(#"[["a","x",1]]"#)
            clock.advance(by: .milliseconds(200))
            try await eventually("the flush") { store.calls > 0 }
            // This write completes after the flush.
            _ = try await manager.start(JobRequest(name: "b"))
            return id
        }
        try await withManager(place()) { manager, _ in
            let end = try await manager.end(of: id)
            #expect(end.state == .lost)
            #expect(texts(try await manager.update(of: id, after: 0)?.props ?? []) == ["a.x=1"])
        }
    }

    private func scheduledSurvives() async throws {
        let place = place()
        let id = try await withKilledManager(place()) { manager, executor in
            let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.seconds(100))))
            let (id, run) = try await manager.startHeld(request, executor)
            async let update = manager.nextUpdate(of: id, after: 0)
            run.fail()
            #expect(try await update?.state == .scheduled)
            // This write completes after the schedule is stored.
            _ = try await manager.startHeld(JobRequest(name: "b"), executor)
            return id
        }
        clock.advance(by: .seconds(60))
        try await withManager(place()) { manager, executor in
            clock.advance(by: .seconds(39))
            try #require(try await manager.update(of: id, after: 0)?.state == .scheduled)
            clock.advance(by: .seconds(1))
            await executor.next().succeed()
            #expect(try await manager.end(of: id).attempt == 2)
        }
    }
}
