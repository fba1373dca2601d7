import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let queueChecks: [Check] = [
        Check("waiting and running jobs are distinguished") { try await $0.waitingAndRunning() },
        Check("jobs run by priority, then in start order") { try await $0.order() },
        Check("a full queue is busy, and accepts jobs again later") { try await $0.busy() },
        Check("each owner has a limit of unfinished jobs") { try await $0.ownerLimit() },
        Check("an input that is too large is rejected") { try await $0.largeInput() },
        Check("F22: two owners with equal inputs each have their own job") { try await $0.equalInputs() },
        Check("16 callers × 100 jobs: 1,600 results, each for its caller") { try await $0.manyCallers() },
    ]

    private func waitingAndRunning() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let second = try await manager.start(JobRequest(name: "b"))
            #expect(try await manager.update(of: second, after: 0)?.state == .queued)
            #expect(await manager.statistics() == JobStatistics(queued: 1, running: 1, maximumRunning: 1))
            run.succeed()
            let next = await executor.next()
            #expect(next.task.name == "b")
            #expect(try await manager.update(of: second, after: 0)?.state == .running)
            next.succeed()
        }
    }

    private func order() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            var run = try await manager.startHeld(JobRequest(name: "first"), executor).1
            for (name, priority) in [("a", 0), ("low", -1), ("b", 0), ("high", 5), ("c", 0), ("high2", 5)] {
                _ = try await manager.start(JobRequest(name: name, priority: priority))
            }
            var order: [String] = []
            for _ in 0..<6 {
                run.succeed()
                run = await executor.next()
                order.append(run.task.name)
            }
            run.succeed()
            #expect(order == ["high", "high2", "a", "b", "c", "low"])
        }
    }

    private func busy() async throws {
        try await withManager(maximumConcurrency: 1, { $0.queueLimit = 2 }) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            for _ in 0..<2 { _ = try await manager.start(JobRequest(name: "b")) }
            let refused = JobRequest(name: "c")
            let error = await #expect(throws: JobsError.self) { try await manager.start(refused) }
            #expect(error?.code == .busy)
            #expect(try await manager.update(of: refused.id, after: 0) == nil)
            run.succeed()
            await executor.next().succeed()
            let later = try await manager.start(refused)
            await executor.next().succeed()
            await executor.next().succeed()
            #expect(try await manager.end(of: later).state == .succeeded)
        }
    }

    private func ownerLimit() async throws {
        try await withManager(maximumConcurrency: 1, { $0.jobsPerOwner = 2 }) { manager, executor in
            let (first, run) = try await manager.startHeld(JobRequest(name: "a", owner: "ann"), executor)
            let second = try await manager.start(JobRequest(name: "a", owner: "ann"))
            let error = await #expect(throws: JobsError.self) {
                try await manager.start(JobRequest(name: "a", owner: "ann"))
            }
            #expect(error?.code == .jobsPerOwner)
            _ = try await manager.start(JobRequest(name: "a", owner: "bob"))
            run.succeed()
            _ = try await manager.end(of: first)
            _ = try await manager.start(JobRequest(name: "a", owner: "ann"))
            try await manager.cancel(second, reason: "x")
            #expect(try await manager.end(of: second).state == .cancelled)
            _ = try await manager.start(JobRequest(name: "a", owner: "ann"))
        }
    }

    private func largeInput() async throws {
        try await withManager(maximumConcurrency: 1, { $0.largestBody = 10 }) { manager, _ in
            let error = await #expect(throws: JobsError.self) {
                try await manager.start(
                    JobRequest(name: "a", payload: Array("123456".utf8), details: Array("78901".utf8))
                )
            }
            #expect(error?.code == .tooLarge)
        }
    }

    private func equalInputs() async throws {
        try await withManager { manager, executor in
            let (ann, first) = try await manager.startHeld(JobRequest(name: "a", payload: [49], owner: "ann"), executor)
            let (bob, second) = try await manager.startHeld(
                JobRequest(name: "a", payload: [49], owner: "bob"),
                executor
            )
            #expect(ann != bob)
            second.succeed(#""for bob""#)
            first.succeed(#""for ann""#)
            let ends = [try await manager.end(of: ann), try await manager.end(of: bob)]
            #expect(ends.map(\.owner) == ["ann", "bob"])
            #expect(ends.map { $0.result?.description } == [#""for ann""#, #""for bob""#])
        }
    }

    private func manyCallers() async throws {
        try await withManager(maximumConcurrency: 8) { manager, executor in
            executor.answer("empty") { .succeeded($0.payload) }
            let results = try await withThrowingTaskGroup(of: [String].self) { group in
                for caller in 0..<16 {
                    group.addTask { try await self.results(of: caller, manager) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let wanted = (0..<16).flatMap { caller in (0..<100).map { "[\(caller),\($0)]" } }
            #expect(results.sorted() == wanted.sorted())
        }
    }

    private func results(of caller: Int, _ manager: any JobManager) async throws -> [String] {
        var results: [String] = []
        for number in 0..<100 {
            let text = "[\(caller),\(number)]"
            let id = try await manager.start(JobRequest(name: "empty", payload: Array(text.utf8), owner: "\(caller)"))
            let end = try await manager.end(of: id)
            #expect(end.owner == "\(caller)")
            #expect(end.result?.description == text)
            results.append(end.result?.description ?? "none")
        }
        return results
    }
}
