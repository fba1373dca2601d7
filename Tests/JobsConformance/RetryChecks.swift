import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let retryChecks: [Check] = [
        Check("a failed attempt is retried after its delay") { try await $0.retry() },
        Check("after the last attempt, its failure is returned") { try await $0.attemptsUsedUp() },
        Check("a crash counts as a failed attempt") { try await $0.crashRetried() },
        Check("delays grow up to the maximum") { try await $0.backoff() },
        Check("a scheduled job can be cancelled") { try await $0.cancelBetween() },
        Check("changes of a failed attempt are not mixed with those of the next") { try await $0.changesOfAttempts() },
        Check("F5: reports of an old attempt are ignored") { try await $0.fencing() },
    ]

    private static let retried = RetryPolicy.upTo(2, backoff: .constant(.seconds(10)))

    private func retry() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a", retries: Self.retried), executor)
            async let update = manager.nextUpdate(of: id, after: 0)
            run.fail()
            #expect(try await update?.state == .scheduled)
            #expect(await manager.statistics() == JobStatistics(scheduled: 1, maximumRunning: 4))
            clock.advance(by: .seconds(10))
            let second = await executor.next()
            #expect(second.task.id != run.task.id)
            second.succeed("1")
            let end = try await manager.end(of: id)
            #expect(end.state == .succeeded)
            #expect(end.attempt == 2)
            #expect(end.failure == nil)
        }
    }

    private func attemptsUsedUp() async throws {
        try await withManager { manager, executor in
            let (id, first) = try await manager.startHeld(
                JobRequest(name: "a", retries: .upTo(2, backoff: .constant(.zero))),
                executor
            )
            first.fail(.error, "1")
            for text in ["2", "3"] { await executor.next().fail(.error, text) }
            let end = try await manager.end(of: id)
            #expect(end.state == .failed)
            #expect(end.attempt == 3)
            #expect(end.failure?.message == "3")
        }
    }

    private func crashRetried() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.zero)))
            let (id, run) = try await manager.startHeld(request, executor)
            run.fail(.crash)
            await executor.next().succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
            let (other, incompatible) = try await manager.startHeld(
                JobRequest(name: "a", retries: Self.retried),
                executor
            )
            incompatible.fail(.incompatible)
            #expect(try await manager.end(of: other).failure?.kind == .incompatible)
        }
    }

    private func backoff() async throws {
        try await withManager { manager, executor in
            let backoff = RetryPolicy.Backoff.exponential(first: .seconds(1), factor: 10, longest: .seconds(50))
            let (id, first) = try await manager.startHeld(
                JobRequest(name: "a", retries: .upTo(3, backoff: backoff)),
                executor
            )
            var run = first
            for wait in [1, 10, 50] {
                run.fail()
                try await eventually("the wait") { await manager.statistics().scheduled == 1 }
                clock.advance(by: .seconds(wait) - .milliseconds(1))
                #expect(await manager.statistics().scheduled == 1)
                clock.advance(by: .milliseconds(1))
                run = await executor.next()
            }
            run.succeed()
            #expect(try await manager.end(of: id).attempt == 4)
        }
    }

    private func cancelBetween() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a", retries: Self.retried), executor)
            run.fail()
            try await eventually("the wait") { await manager.statistics().scheduled == 1 }
            try await manager.cancel(id, reason: "x")
            #expect(try await manager.end(of: id).state == .cancelled)
            #expect(await manager.statistics().scheduled == 0)
            clock.advance(by: .seconds(100))
            #expect(try await manager.update(of: id, after: 0)?.state == .cancelled)
        }
    }

    private func changesOfAttempts() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.zero)))
            let (id, run) = try await manager.startHeld(request, executor)
            run.setProps(#"[["a","x",1],["b","x",1]]"#)
            let sequence = try #require(try await manager.update(of: id, after: 0)).sequence
            run.fail()
            let second = await executor.next()
            second.setProps(#"[["a","x",2]]"#)
            let news = try #require(try await manager.update(of: id, after: 0))
            #expect(texts(news.props) == ["a.x=2"])
            #expect(news.sequence > sequence)
            second.succeed()
        }
    }

    private func fencing() async throws {
        try await withManager { manager, executor in
            let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.zero)))
            let (id, zombie) = try await manager.startHeld(request, executor)
            zombie.fail()
            let second = await executor.next()
            zombie.setProps(#"[["a","x","zombie"]]"#)
            zombie.succeed(#""zombie""#)
            second.setProps(#"[["a","x",2]]"#)
            #expect(texts(try await manager.update(of: id, after: 0)?.props ?? []) == ["a.x=2"])
            second.succeed("2")
            #expect(try await manager.end(of: id).result?.description == "2")
            zombie.setProps(#"[["a","x","zombie"]]"#)
            #expect(texts(try await manager.update(of: id, after: 0)?.props ?? []) == ["a.x=2"])
        }
    }
}
