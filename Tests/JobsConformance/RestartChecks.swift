import DashJSON
import Jobs
import Testing

extension JobManagerConformance {
    static let restartChecks: [Check] = [
        Check("finished jobs are returned after a restart, with all their fields") { try await $0.finishedSurvive() },
        Check("waiting jobs run after a restart, in order") { try await $0.waitingSurvive() },
        Check("F26: running jobs run again after a graceful shutdown") { try await $0.gracefulShutdown() },
        Check("finished jobs beyond the memory limit are read from the store") { try await $0.memoryBound() },
        Check("F25: a job of an earlier version fails as incompatible") { try await $0.versionChanged() },
        Check("F25: a job whose name no longer exists fails as incompatible") { try await $0.nameGone() },
    ]

    private func finishedSurvive() async throws {
        let delivery = Delivery(poll: 3, from: 1, through: 2)
        let (good, bad) = try await withManager { manager, executor in
            let request = JobRequest(name: "a", owner: "ann", page: "p", version: "v", details: Array("{}".utf8))
            let (good, run) = try await manager.startHeld(request, executor)
            run.progress(#"[["bar","value",1]]"#)
            run.setProps(#"[["{\"index\":1,\"type\":\"x\"}","x","ü\n"]]"#)
            try await manager.record(delivery, for: good)
            run.succeed("[1]")
            let (bad, second) = try await manager.startHeld(JobRequest(name: "b"), executor)
            second.end(
                .failed(WorkerFailure(kind: .crash, code: "signal", message: "“SIGILL”", trace: "0\n1"))
            )
            _ = try await (manager.end(of: good), manager.end(of: bad))
            return (good, bad)
        }
        try await withManager { manager, _ in
            let end = try #require(try await manager.update(of: good, after: 0))
            #expect([end.name, end.owner, end.page, end.version] == ["a", "ann", "p", "v"])
            #expect(end.state == .succeeded)
            #expect(end.result?.description == "[1]")
            #expect(end.details == Array("{}".utf8))
            #expect(texts(end.progress) == ["bar.value=1"])
            #expect(texts(end.props) == [#"{"index":1,"type":"x"}.x="ü\n""#])
            #expect(end.delivery == delivery)
            #expect(try await manager.nextUpdate(of: good, after: .max)?.state == .succeeded)
            let failed = try #require(try await manager.update(of: bad, after: 0))
            #expect(failed.failure == JobFailure(kind: .crash, code: "signal", message: "“SIGILL”", trace: "0\n1"))
            // A delivery after the restart is stored too.
            try await manager.record(Delivery(poll: 4, from: 2, through: 3), for: good)
            #expect(try await manager.update(of: good, after: 0)?.delivery?.poll == 4)
        }
        try await withManager { manager, _ in
            let news = try await manager.update(of: good, after: 0)
            #expect(news?.delivery?.poll == 4)
        }
    }

    private func waitingSurvive() async throws {
        try await withManager(maximumConcurrency: 1) { manager, executor in
            let (_, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            for (name, priority) in [("b", 0), ("c", 0), ("d", 1)] {
                let request = JobRequest(name: name, payload: Array("\"\(name)\"".utf8), priority: priority)
                _ = try await manager.start(request)
            }
            run.succeed()
            #expect(await executor.next().task.name == "d")
        }
        try await withManager(maximumConcurrency: 1) { manager, executor in
            var order: [String] = []
            for _ in 0..<3 {
                let run = await executor.next()
                order.append(String(decoding: run.task.payload, as: UTF8.self))
                run.succeed()
            }
            #expect(order == [#""d""#, #""b""#, #""c""#])
        }
    }

    private func gracefulShutdown() async throws {
        let id = try await withManager { manager, executor in
            let (id, run) = try await manager.startHeld(JobRequest(name: "a"), executor)
            run.setProps(#"[["a","x",1]]"#)
            return id
        }
        try await withManager { manager, executor in
            let again = await executor.next()
            let news = try await manager.update(of: id, after: 0)
            #expect(news?.attempt == 2)
            again.succeed("2")
            #expect(try await manager.end(of: id).result?.description == "2")
        }
    }

    private func memoryBound() async throws {
        try await withManager(maximumConcurrency: 4, { $0.maximumFinishedInMemory = 3 }) { manager, executor in
            executor.answer("quick") { .succeeded($0.payload) }
            var ids: [JobID] = []
            for number in 0..<10 {
                ids.append(try await manager.start(JobRequest(name: "quick", payload: Array("\(number)".utf8))))
                _ = try await manager.end(of: ids[number])
            }
            #expect(await manager.statistics().finished <= 3)
            for (number, id) in ids.enumerated() {
                #expect(try await manager.update(of: id, after: 0)?.result?.description == "\(number)")
                #expect(try await manager.nextUpdate(of: id, after: .max)?.state == .succeeded)
            }
            #expect(await manager.statistics().finished <= 3)
        }
    }

    private func versionChanged() async throws {
        let (old, new) = try await withManager(maximumConcurrency: 1) { manager, executor in
            _ = try await manager.startHeld(JobRequest(name: "a", version: "2"), executor)
            let old = try await manager.start(JobRequest(name: "a", version: "1", retries: .upTo(5)))
            let new = try await manager.start(JobRequest(name: "a", version: "2"))
            return (old, new)
        }
        try await withManager(maximumConcurrency: 4, { $0.currentVersion = { _ in "2" } }) { manager, executor in
            let end = try await manager.end(of: old)
            #expect(end.state == .failed)
            #expect(end.failure?.kind == .incompatible)
            for _ in 0..<2 { await executor.next().succeed() }
            #expect(try await manager.end(of: new).state == .succeeded)
        }
    }

    private func nameGone() async throws {
        let id = try await withManager { manager, executor in
            try await manager.startHeld(JobRequest(name: "gone"), executor).0
        }
        try await withManager(maximumConcurrency: 4, { $0.currentVersion = { _ in nil } }) { manager, _ in
            let end = try await manager.end(of: id)
            #expect(end.failure?.kind == .incompatible)
            #expect(end.failure?.message.contains("“gone”") == true)
        }
    }
}
