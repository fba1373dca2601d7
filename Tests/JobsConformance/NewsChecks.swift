import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let newsChecks: [Check] = [
        Check("a wait returns at the next change") { try await $0.waits() },
        Check("the update of a finished job is returned at once") { try await $0.finishedAtOnce() },
        Check("a cancelled wait returns the current state") { try await $0.cancelledWait() },
        Check("many waiters are all woken") { try await $0.manyWaiters() },
        Check("F20: the last delivery is stored, so that a lost response can be repeated") {
            try await $0.delivery()
        },
        Check("a wait ends when the manager stops, and later calls fail") { try await $0.waitAtStop() },
    ]

    private func waits() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            async let progress = manager.nextUpdate(of: id, after: known)
            run.progress(#"[["bar","value",1]]"#)
            let first = try #require(try await progress)
            #expect(texts(first.progress) == ["bar.value=1"])
            async let result = manager.nextUpdate(of: id, after: first.sequence)
            run.succeed("3")
            let second = try #require(try await result)
            #expect(second.state == .succeeded)
            #expect(second.progress.isEmpty)
        }
    }

    private func finishedAtOnce() async throws {
        try await withManager { manager, executor in
            executor.answer("quick") { _ in .succeeded(Array("1".utf8)) }
            let id = try await manager.start(JobRequest(name: "quick"))
            let end = try await manager.end(of: id)
            #expect(try await manager.nextUpdate(of: id, after: end.sequence)?.state == .succeeded)
            #expect(try await manager.nextUpdate(of: id, after: .max)?.state == .succeeded)
        }
    }

    private func cancelledWait() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            for _ in 0..<50 {
                let wait = Task { try await manager.nextUpdate(of: id, after: known) }
                await Task.yield()
                wait.cancel()
                let news = try await wait.value
                #expect(news?.state == .running)
                #expect(news?.sequence == known)
            }
            run.succeed()
            #expect(try await manager.end(of: id).state == .succeeded)
        }
    }

    private func manyWaiters() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            try await withThrowingTaskGroup(of: JobState?.self) { group in
                for _ in 0..<100 { group.addTask { try await manager.nextUpdate(of: id, after: known)?.state } }
                run.succeed()
                for try await state in group { #expect(state == .succeeded) }
            }
        }
    }

    private func delivery() async throws {
        try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            #expect(try await manager.update(of: id, after: 0)?.delivery == nil)
            run.progress(#"[["bar","value",1]]"#)
            let first = try #require(try await manager.update(of: id, after: 0))
            let delivery = Delivery(poll: 1, from: 0, through: first.sequence)
            try await manager.record(delivery, for: id)
            run.progress(#"[["bar","value",2]]"#)
            let again = try #require(try await manager.update(of: id, after: delivery.from))
            #expect(again.delivery == delivery)
            #expect(texts(again.progress) == ["bar.value=2"])
            run.succeed()
            #expect(try await manager.end(of: id).delivery == delivery)
        }
    }

    private func waitAtStop() async throws {
        let (manager, wait) = try await withManager { manager, executor in
            let (id, _) = try await manager.startHeld(JobRequest(name: "a"), executor)
            let known = try #require(try await manager.update(of: id, after: 0)).sequence
            let wait = Task { try await manager.nextUpdate(of: id, after: known) }
            return (manager, wait)
        }
        // The wait begins before or after the stop.
        switch await wait.result {
        case .success(let news): #expect(news?.state == .queued)
        case .failure(let error): #expect((error as? JobsError)?.code == .stopped)
        }
        let error = await #expect(throws: JobsError.self) { try await manager.start(JobRequest(name: "a")) }
        #expect(error?.code == .stopped)
    }
}
