import DashJSON
import Jobs
import JobsConformance
import Synchronization
import Testing

@testable import CeleryProtocol
@testable import JobsCelery

@Suite(.timeLimit(.minutes(10)))
struct PlainTaskTests {
    @Test("a task runs, its value is stored before its message is acknowledged, events are sent")
    func succeeds() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { .succeeded(Array("[\(String(decoding: $0.payload, as: UTF8.self))]".utf8)) }
        try await bench.run {
            bench.send("a") { $0.parentID = "p" }
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        let meta = try #require(bench.meta(of: "a"))
        #expect(meta.status == .success)
        #expect(meta.result.description == "[2]")
        #expect(meta.parentID == "p")
        #expect(bench.events.all.map(\.type) == ["task-received", "task-started", "task-succeeded"])
    }

    @Test("F28: a task of an unknown name is rejected with a failure, and the worker continues")
    func unknown() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { _ in .succeeded([]) }
        try await bench.run {
            bench.send("x", task: "unregistered")
            #expect(await bench.settlement(of: "x") == .rejected)
            bench.send("a")
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.meta(of: "x")?.exception?.type == "NotRegistered")
        let failed = try #require(bench.events.all.first { $0.type == "task-failed" })
        #expect(failed.fields["uuid"] == "x" && failed.fields.keys == ["uuid", "exception"])
    }

    @Test(
        "F28: a malformed message is rejected with a failure, and the worker continues",
        arguments: ["[1]", "no json", "[[], null, {}]", "{}", ""]
    )
    func unreadable(body: String) async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { _ in .succeeded([]) }
        try await bench.run {
            var raw = TaskMessage(task: "work", id: "bad").raw(queue: "dash")
            raw.body = Array(body.utf8)
            bench.deliver(raw, tag: "bad")
            #expect(await bench.settlement(of: "bad") == .rejected)
            raw.headers = [:]
            raw.correlationID = nil
            bench.deliver(raw, tag: "worse")
            #expect(await bench.settlement(of: "worse") == .rejected)
            bench.send("a")
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.meta(of: "bad")?.status == .failure)
        #expect(bench.executor.executedCount == 1)
    }

    @Test("F2: a failure and a dead process are reported to the caller, and acknowledged")
    func fails() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { task in
            let kind: WorkerFailure.Kind = task.id == "crash" ? .crash : .error
            return .failed(WorkerFailure(kind: kind, code: "MyError", message: "It broke.", trace: "at line 7"))
        }
        try await bench.run {
            for id in ["error", "crash"] {
                bench.send(id)
                #expect(await bench.settlement(of: id) == .acknowledged)
            }
        }
        #expect(bench.meta(of: "error")?.exception?.repr == "MyError('It broke.')")
        #expect(bench.meta(of: "error")?.traceback == "at line 7")
        #expect(bench.meta(of: "crash")?.exception?.type == "WorkerLostError")
    }

    @Test("progress is reported while a task runs")
    func progress() async throws {
        let bench = try WorkerBench()
        try await bench.run {
            bench.send("a")
            let run = await bench.executor.next()
            run.progress(#"[["bar","value",5]]"#)
            run.succeed("7")
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.results.metas.map(\.status) == [.progress, .success])
        #expect(bench.results.metas[0].result.description == #"{"bar.value":5}"#)
    }

    @Test("nothing is stored of a task that ignores its result")
    func ignoresResult() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { _ in .succeeded([]) }
        try await bench.run {
            bench.send("a") { $0.ignoresResult = true }
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.results.metas.isEmpty)
    }

    @Test("a terminated task is stored as revoked and acknowledged")
    func terminates() async throws {
        let bench = try WorkerBench()
        try await bench.run {
            bench.send("a")
            _ = await bench.executor.next()
            #expect(await bench.worker.terminate(["a", "b"], signal: 15) == ["a"])
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.meta(of: "a")?.status == .revoked)
        #expect(bench.meta(of: "a")?.exception?.message == "terminated")
    }

    @Test("an expired task is stored as revoked")
    func expires() async throws {
        let bench = try WorkerBench()
        try await bench.run {
            bench.send("a") { $0.expires = 1000 }
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.meta(of: "a")?.exception?.message == "expired")
        #expect(bench.executor.executedCount == 0)
    }

    @Test("F11: storing a result is retried, and the message is acknowledged only after it")
    func storesAgain() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { _ in .succeeded([]) }
        try await bench.run {
            bench.results.fail(2)
            bench.send("a")
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        #expect(bench.results.metas.count == 1)
    }

    @Test("a chain's next step is sent before the success is stored, with retries")
    func chain() async throws {
        let bench = try WorkerBench()
        bench.executor.answer("app/work") { _ in .succeeded(Array("3".utf8)) }
        bench.broker.fail(1)
        try await bench.run {
            bench.send("a") { $0.chain = [Signature(task: "work", options: ["task_id": "b"])] }
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        let next = try TaskMessage(try #require(bench.broker.published.first))
        #expect(next.id == "b")
        #expect(next.arguments.description == "[3]")
        #expect((next.rootID, next.parentID) == ("a", "a"))
        #expect(bench.broker.published.count == 1)
    }

    @Test("a failed task is retried as often as its callback declares, and then fails")
    func retries() async throws {
        let bench = try WorkerBench { parts in
            let policy = RetryPolicy.upTo(1, backoff: .constant(.seconds(60)))
            parts.jobs = [JobDefinition(name: "app/work", taskName: "work", version: "1", retries: policy)]
        }
        bench.executor.answer("app/work") { _ in
            .failed(WorkerFailure(kind: .error, code: "Jam", message: "no paper"))
        }
        let before = WorkerTime.now.wall
        bench.broker.fail(1)
        try await bench.run {
            bench.send("a") { $0.callbacks = [Signature(task: "next")] }
            #expect(await bench.settlement(of: "a") == .acknowledged)
        }
        let meta = try #require(bench.meta(of: "a"))
        #expect(meta.status == .retry)
        #expect(meta.exception?.message == "no paper")
        #expect(bench.events.all.last?.type == "task-retried")
        let raw = try #require(bench.broker.published.first)
        #expect(bench.broker.published.count == 1 && raw.routingKey == "dash")
        let again = try TaskMessage(raw)
        #expect((again.id, again.retries, again.parentID) == ("a", 1, "a"))
        #expect(again.arguments.description == "[2]" && again.callbacks.count == 1)
        #expect(try #require(again.eta) >= before + 60_000)

        let last = try WorkerBench { $0.jobs = bench.worker.parts.jobs }
        last.executor.answer("app/work") { _ in .failed(WorkerFailure(kind: .error, code: "Jam", message: "no paper")) }
        try await last.run {
            last.send("a") { $0.retries = 1 }
            #expect(await last.settlement(of: "a") == .acknowledged)
        }
        #expect(last.meta(of: "a")?.status == .failure)
        #expect(last.broker.published.isEmpty)
    }

    @Test("F26: a warm stop completes running tasks and requeues the rest; a cold stop requeues all")
    func stops() async throws {
        let bench = try WorkerBench { parts in
            parts.options.concurrency = 1
            parts.options.prefetchMultiplier = 4
        }
        let running = Task { try await WorkerServices(bench.worker, on: []).run() }
        bench.send("a")
        let run = await bench.executor.next()
        bench.send("b")
        while await bench.worker.snapshot().reserved.isEmpty { await Task.yield() }
        bench.worker.shutDown()
        #expect(await bench.settlement(of: "b") == .returned)
        run.succeed()
        try await running.value
        #expect(bench.broker.consumer.settled["a"] == .acknowledged)

        let cold = try WorkerBench()
        let other = Task { try await WorkerServices(cold.worker, on: []).run() }
        cold.send("a")
        _ = await cold.executor.next()
        other.cancel()
        _ = try? await other.value
        #expect(cold.broker.consumer.settled["a"] == .returned)
        #expect(cold.results.metas.isEmpty)
    }
}
