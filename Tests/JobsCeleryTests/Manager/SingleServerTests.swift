import DashJSON
import Jobs
import JobsConformance
import Logging
import ServiceLifecycle
import Testing

@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite(
    "A single web server with RabbitMQ alone (rpc://)",
    .takesTurns,
    .enabled(if: RabbitServer.isAvailable, RabbitServer.whyNot),
    .timeLimit(.minutes(10))
)
struct SingleServerTests {
    private static let remoteName = #"proj."x""#
    private let queue = "dash-\(JobID.new)"

    /// A manager and a worker that share nothing but messages.
    private func withSite(_ body: (any JobManager, TestExecutor) async throws -> Void) async throws {
        var options = CeleryManager.Options()
        options.queue = queue
        let address = try await RabbitServer.shared().address
        let site = try CeleryManager(
            broker: address,
            results: "rpc://",
            brokers: [.redis, .rabbitMQ],
            options: options
        )
        let remote = JobDefinition(name: "remote", taskName: Self.remoteName, version: "")
        let setup = JobBackendSetup(jobs: [remote], logger: .quiet)
        let executor = TestExecutor()
        let manager = try site.makeManager(setup)
        let broker = try RabbitBroker(AMQPURL(address), logger: .quiet)
        let identity = WorkerIdentity(node: "dash@test", id: "dash@test.\(JobID.new)")
        var workerOptions = JobWorkerOptions()
        workerOptions.queues = [options.queue]
        let events = site.events(of: identity, broker, workerOptions)
        let results = RPCResults(broker: broker)
        var parts = site.parts(setup, workerOptions, identity, executor, broker, results, events)
        parts.recording = RPCRecording(broker: broker, setup: setup)
        let worker = try CeleryWorker(parts)
        let control = ControlService(worker.parts, worker, events)
        try await whileRunning(manager, WorkerServices(worker, on: [broker, control])) {
            try await body(manager, executor)
        }
    }

    @Test("a job runs in a worker, sends progress and properties, and succeeds")
    func success() async throws {
        try await withSite { manager, executor in
            let request = JobRequest(name: "a", payload: Array(#"{"x":"ü"}"#.utf8))
            let id = try await manager.start(request)
            let run = await executor.next()
            #expect(run.task.payload == request.payload)
            run.progress(#"[["bar","value",1]]"#)
            let progress = try await manager.update(of: id) { !$0.progress.isEmpty }
            #expect(progress?.progress.map(\.value.description) == ["1"])
            run.setProps(#"[["a","x",{"y":1}]]"#)
            let props = try await manager.update(of: id) { !$0.props.isEmpty }
            #expect(props?.props.map(\.value.description) == [#"{"y":1}"#])
            run.succeed("[1.50]")
            #expect(try await manager.update(of: id) { _ in false }?.result?.description == "[1.50]")
        }
    }

    @Test("a failure has kind, code, message and trace, and is retried by the job's retry policy")
    func failure() async throws {
        try await withSite { manager, executor in
            let request = JobRequest(name: "a", retries: .upTo(1, backoff: .constant(.zero)))
            let id = try await manager.start(request)
            await executor.next().fail()
            let failure = WorkerFailure(kind: .crash, code: "signal", message: "SIGILL", trace: "0 f\n1 g")
            await executor.next().end(.failed(failure))
            let end = try await manager.update(of: id) { _ in false }
            #expect(end?.attempt == 2)
            #expect(end?.failure == JobFailure(kind: .crash, code: "signal", message: "SIGILL", trace: "0 f\n1 g"))
        }
    }

    @Test("F12: a cancelled job without a reply completes after a timeout and frees its slot")
    func nobodyTells() async throws {
        var options = CeleryManager.Options()
        options.queue = "dash-\(JobID.new)"
        let address = try await RabbitServer.shared().address
        let broker = try RabbitBroker(AMQPURL(address), logger: .quiet)
        let executor = RPCExecutor(broker, JobBackendSetup(logger: .quiet), options, patience: .milliseconds(100))
        try await whileRunning(executor) {
            let (begun, beginning) = AsyncStream<Void>.makeStream()
            let task = WorkerTask(id: "\(JobID.new)/1", name: "a", payload: Array("{}".utf8))
            async let outcome = executor.execute(task) { _ in beginning.yield() }
            for await _ in begun { break }
            executor.cancel(task.id)
            #expect(await outcome == .cancelled(killed: true))
        }
    }

    @Test("another program's task is sent by its name to its queue, with its arguments")
    func remote() async throws {
        try await withSite { manager, executor in
            let arguments = RawJSON(unchecked: Array(#"[1,"]}",{"a":[2]}]"#.utf8))
            let task = RemoteTask(name: Self.remoteName, queue: queue, arguments: arguments)
            let id = try await manager.start(JobRequest(name: "a", payload: [1], remote: task))
            let run = await executor.next()
            #expect(run.task.name == "remote")
            #expect(String(decoding: run.task.payload, as: UTF8.self) == #"1,"]}",{"a":[2]}"#)
            run.succeed("[7]")
            #expect(try await manager.update(of: id) { _ in false }?.result?.description == "[7]")
        }
    }

    @Test("a cancellation stops the task in the worker")
    func cancellation() async throws {
        try await withSite { manager, executor in
            let id = try await manager.start(JobRequest(name: "a"))
            _ = await executor.next()
            try await manager.cancel(id, reason: "by ann")
            let end = try await manager.update(of: id) { _ in false }
            #expect(end?.state == .cancelled)
            #expect(end?.endReason == "by ann")
            #expect(executor.heldCount == 0)
        }
    }
}
