import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let timeChecks: [Check] = [
        Check("a waiting job without polls is abandoned") { try await $0.abandoned() },
        Check("a waiting job that is polled is kept") { try await $0.askedFor() },
        Check("a running job without polls is kept") { try await $0.runningKept() },
        Check("a finished job is available until its retention time has passed") { try await $0.pruned() },
        Check("an idle manager has no timer") { try await $0.idle() },
    ]

    private func abandoned() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let waiting = try await manager.start(JobRequest(name: "b"))
            clock.advance(by: .seconds(180))
            try await eventually("the drop") { await manager.statistics().queued == 0 }
            let end = try await manager.end(of: waiting)
            #expect(end.state == .cancelled)
            #expect(end.endReason == "abandoned")
            run.succeed()
        }
    }

    private func askedFor() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let asked = try await manager.start(JobRequest(name: "b"))
            let other = try await manager.start(JobRequest(name: "c"))
            clock.advance(by: .seconds(100))
            _ = try await manager.update(of: asked, after: 0)
            clock.advance(by: .seconds(100))
            try await eventually("the drop of the other") { await manager.statistics().queued == 1 }
            #expect(try await manager.update(of: asked, after: 0)?.state == .queued)
            #expect(try await manager.end(of: other).state == .cancelled)
            run.succeed()
            await executor.next().succeed()
            #expect(try await manager.end(of: asked).state == .succeeded)
        }
    }

    private func runningKept() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            clock.advance(by: .seconds(1_000_000))
            run.succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
        }
    }

    private func pruned() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.succeed("1")
            _ = try await manager.end(of: id)
            clock.advance(by: .seconds(3599))
            #expect(try await manager.update(of: id, after: 0)?.result?.description == "1")
            clock.advance(by: .seconds(1))
            #expect(try await manager.update(of: id, after: 0) == nil)
            try await eventually("the pruning") { await manager.statistics().finished == 0 }
            #expect(try await manager.nextUpdate(of: id, after: 0) == nil)
        }
    }

    private func idle() async throws {
        try await withManager { manager, executor in
            #expect(clock.sleeperCount == 0)
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.progress(#"[["a","x",1]]"#)
            run.succeed()
            _ = try await manager.end(of: id)
            clock.advance(by: .seconds(3600))
            try await eventually("the pruning") { await manager.statistics().finished == 0 }
            try await eventually("no timer") { clock.sleeperCount == 0 }
        }
    }
}
