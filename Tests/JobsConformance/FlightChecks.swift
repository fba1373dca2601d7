import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let flightChecks: [Check] = [
        Check("F23: of 100 starts with one key, one runs and all get its result") { try await $0.oneForAll() },
        Check("F23: if the running job crashes, the next one runs") { try await $0.crashOfTheFirst() },
        Check("F23: a cancellation ends only the cancelled job") { try await $0.cancelledWaits() },
        Check("F23: an error ends all waiting jobs, and the next start runs") { try await $0.errorForAll() },
        Check("F23: a start that finds a cached result finishes with it") { try await $0.keptMeanwhile() },
        Check("F23: after a restart the jobs of a key still run once") { try await $0.flightsSurvive() },
        Check("F23: other keys, and starts without a key, are not blocked") { try await $0.otherKeys() },
    ]

    private func request(_ number: Int = 0, key: String = "k", reuseCached: Bool = true) -> JobRequest {
        JobRequest(
            name: "a",
            owner: "owner \(number)",
            cache: CacheStore(key: CacheKey(key), expire: .seconds(60), reuseCached: reuseCached)
        )
    }

    private func oneForAll() async throws {
        try await withManager { manager, executor in
            let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                for number in 0..<100 { group.addTask { try await manager.start(request(number)) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let run = await executor.next()
            #expect(await manager.statistics().running == 1)
            run.succeed(#"{"a":1}"#)
            for id in ids {
                let end = try await manager.end(of: id)
                #expect(end.state == .succeeded)
                #expect(end.result?.description == #"{"a":1}"#)
            }
            #expect(executor.executedCount == 1)
            #expect(await manager.statistics().queued == 0)
        }
    }

    private func crashOfTheFirst() async throws {
        try await withManager { manager, executor in
            let (first, run) = try await manager.startHeld(request(0), executor)
            let second = try await manager.start(request(1))
            let third = try await manager.start(request(2))
            run.fail(.crash)
            #expect(try await manager.end(of: first).failure?.kind == .crash)
            let next = await executor.next()
            #expect(try await manager.update(of: second, after: 0)?.state == .running)
            #expect(try await manager.update(of: third, after: 0)?.state == .queued)
            next.succeed("2")
            #expect(try await manager.end(of: second).result?.description == "2")
            #expect(try await manager.end(of: third).result?.description == "2")
            #expect(executor.executedCount == 2)
        }
    }

    private func cancelledWaits() async throws {
        try await withManager { manager, executor in
            let (first, _) = try await manager.startHeld(request(0), executor)
            let gone = try await manager.start(request(1))
            let stays = try await manager.start(request(2))
            try await manager.cancel(gone, reason: "not wanted")
            #expect(try await manager.end(of: gone).state == .cancelled)
            try await manager.cancel(first, reason: "not wanted")
            let next = await executor.next()
            #expect(try await manager.end(of: first).state == .cancelled)
            next.succeed("3")
            #expect(try await manager.end(of: stays).result?.description == "3")
            #expect(executor.executedCount == 2)
        }
    }

    private func errorForAll() async throws {
        try await withManager { manager, executor in
            let (first, run) = try await manager.startHeld(request(0), executor)
            let second = try await manager.start(request(1))
            run.fail(.error, "It broke.")
            for id in [first, second] { #expect(try await manager.end(of: id).failure?.message == "It broke.") }
            let (third, again) = try await manager.startHeld(request(2), executor)
            again.succeed("1")
            #expect(try await manager.end(of: third).state == .succeeded)
        }
    }

    private func keptMeanwhile() async throws {
        try await withManager { manager, executor in
            let (first, run) = try await manager.startHeld(request(0), executor)
            run.succeed("1")
            _ = try await manager.end(of: first)
            let second = try await manager.start(request(1))
            #expect(try await manager.end(of: second).result?.description == "1")
            #expect(executor.executedCount == 1)
            let (third, again) = try await manager.startHeld(request(2, reuseCached: false), executor)
            again.succeed("2")
            #expect(try await manager.end(of: third).result?.description == "2")
        }
    }

    private func flightsSurvive() async throws {
        let ids = try await withManager { manager, executor in
            let (first, _) = try await manager.startHeld(request(0), executor)
            return [first, try await manager.start(request(1)), try await manager.start(request(2))]
        }
        try await withManager { manager, executor in
            await executor.next().succeed("1")
            for id in ids {
                let end = try await manager.end(of: id)
                #expect(end.result?.description == "1")
            }
            #expect(executor.executedCount == 1)
        }
    }

    private func otherKeys() async throws {
        try await withManager { manager, executor in
            _ = try await manager.startHeld(request(0), executor)
            for request in [request(1, key: "other"), JobRequest(name: "b")] {
                let (id, run) = try await manager.startHeld(request, executor)
                run.succeed("1")
                #expect(try await manager.end(of: id).state == .succeeded)
            }
        }
    }
}
