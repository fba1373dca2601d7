import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let serviceChecks: [Check] = [
        Check("F31: 50 starts and stops lose no jobs from 10 concurrent tasks") { try await $0.startStop() },
        Check("a stopping manager ends its tasks and shuts down its executor") { try await $0.stopEnds() },
    ]

    /// Checks that every accepted job is finished or waits in the end, and that the last manager finishes it.
    private func startStop() async throws {
        var accepted: [JobID] = []
        for _ in 0..<50 {
            accepted += try await withManager { manager, executor in
                executor.answer("quick") { .succeeded($0.payload) }
                return try await withThrowingTaskGroup(of: [JobID].self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            let id = try await manager.start(JobRequest(name: "quick", payload: [49]))
                            _ = try await manager.nextUpdate(of: id, after: 0)
                            return [id, try await manager.start(JobRequest(name: "quick", payload: [49]))]
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
            }
        }
        #expect(accepted.count == 1000)
        try await withManager { manager, executor in
            executor.answer("quick") { .succeeded($0.payload) }
            for id in accepted {
                let end = try await manager.end(of: id)
                try #require(end.state == .succeeded)
            }
        }
    }

    private func stopEnds() async throws {
        let executor = try await withManager { manager, executor in
            for name in ["a", "b"] { _ = try await manager.startHeld(JobRequest(name: name), executor) }
            return executor
        }
        #expect(executor.heldCount == 0)
    }
}
