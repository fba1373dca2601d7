import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let lifeCycleChecks: [Check] = [
        Check("a job waits, runs and succeeds with its result") { try await $0.success() },
        Check("the worker gets name and payload unchanged") { try await $0.payload() },
        Check("an error fails the job with kind, code and message") { try await $0.failure() },
        Check("F2: a crash fails only its job") { try await $0.crash() },
        Check("updates contain the fields of the request") { try await $0.details() },
        Check("defect 4: an unknown job has no update, and calls have no effect") { try await $0.unknown() },
        Check("F9: a second start with the same id has no effect") { try await $0.sameID() },
    ]

    private func success() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let running = try await manager.update(of: id, after: 0)
            #expect(running?.state == .running)
            #expect(running?.attempt == 1)
            #expect(await manager.statistics().running == 1)
            run.succeed(#"{"x":1}"#)
            let end = try await manager.end(of: id)
            #expect(end.state == .succeeded)
            #expect(end.result?.description == #"{"x":1}"#)
            #expect(end.failure == nil)
            #expect(await manager.statistics().running == 0)
        }
    }

    private func payload() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "app/job", payload: Array(#"["ü",1]"#.utf8))
            let (id, run) = try await manager.startHeld(request, executor)
            #expect(run.task.name == "app/job")
            #expect(run.task.payload == request.payload)
            #expect(run.task.id.hasPrefix(id.text))
            run.succeed()
        }
    }

    private func failure() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.fail(.error, "No such country.")
            let end = try await manager.end(of: id)
            #expect(end.state == .failed)
            #expect(end.failure == JobFailure(kind: .error, code: "Test", message: "No such country."))
            #expect(end.result == nil)
        }
    }

    private func crash() async throws {
        try await withManager { manager, executor in
            let (crashing, first) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let (other, second) = try await manager.startHeld(JobRequest(name: "b"), executor)
            first.end(.failed(WorkerFailure(kind: .crash, code: "signal", message: "SIGILL", trace: "0 f")))
            let end = try await manager.end(of: crashing)
            #expect(end.failure == JobFailure(kind: .crash, code: "signal", message: "SIGILL", trace: "0 f"))
            #expect(try await manager.update(of: other, after: 0)?.state == .running)
            second.succeed("2")
            #expect(try await manager.end(of: other).state == .succeeded)
        }
    }

    private func details() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a", owner: "ann", page: "p1", version: "v", details: Array("{}".utf8))
            let (id, run) = try await manager.startHeld(request, executor)
            run.succeed()
            let end = try await manager.end(of: id)
            #expect(end.id == id)
            #expect([end.name, end.owner, end.page, end.version] == ["a", "ann", "p1", "v"])
            #expect(end.details == request.details)
        }
    }

    private func unknown() async throws {
        try await withManager { manager, _ in
            let now = try await manager.update(of: .new, after: 0)
            let next = try await manager.nextUpdate(of: .new, after: 0)
            #expect(now == nil)
            #expect(next == nil)
            try await manager.cancel(.new, reason: "x")
            try await manager.record(Delivery(poll: 1, from: 0, through: 1), for: .new)
        }
    }

    private func sameID() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a")
            let (id, run) = try await manager.startHeld(request, executor)
            #expect(try await manager.start(request) == id)
            #expect(await manager.statistics().running == 1)
            #expect(await manager.statistics().queued == 0)
            run.succeed("1")
            _ = try await manager.end(of: id)
            #expect(try await manager.start(request) == id)
            #expect(try await manager.update(of: id, after: 0)?.result?.description == "1")
        }
    }
}
