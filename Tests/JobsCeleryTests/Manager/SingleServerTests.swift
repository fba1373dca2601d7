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
    /// A manager and a worker that share nothing but messages.
    private func withSite(_ body: (any JobManager, TestExecutor) async throws -> Void) async throws {
        var options = CeleryManager.Options()
        options.queue = "dash-\(JobID.new)"
        let address = try await RabbitServer.shared().address
        let site = try CeleryManager(
            broker: address,
            results: "rpc://",
            brokers: [.redis, .rabbitMQ],
            options: options
        )
        let setup = JobBackendSetup(logger: .quiet)
        let executor = TestExecutor()
        let manager = try site.makeManager(setup)
        let broker = try RabbitBroker(AMQPURL(address), logger: .quiet)
        let identity = WorkerIdentity(node: "dash@test", id: "dash@test.\(JobID.new)")
        var workerOptions = JobWorkerOptions()
        workerOptions.queues = [options.queue]
        let events = site.events(of: identity, broker, workerOptions)
        let worker = try CeleryWorker(
            site.singleParts(setup, workerOptions, identity, executor, broker, events)
        )
        let control = site.control(of: worker, events, .quiet)
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

    @Test("another program's task survives its encoding as a job's payload")
    func remotePayload() {
        for queue in [nil, "reports"] {
            let arguments = RawJSON(unchecked: Array(#"[1,"]}",{"a":[2]}]"#.utf8))
            let task = RemoteTask(name: #"proj."x""#, queue: queue, arguments: arguments)
            #expect(RemoteTask(payload: task.payload) == task)
        }
        for payload in ["", "{}", #"{"celery-task":"#, #"{"celery-task":[1,2,3]}"#, #"{"celery-task":["a"]}"#] {
            #expect(RemoteTask(payload: Array(payload.utf8)) == nil)
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
