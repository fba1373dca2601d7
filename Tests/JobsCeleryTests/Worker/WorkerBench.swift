import DashJSON
import Jobs
import JobsConformance
import Logging
import Synchronization

@testable import CeleryProtocol
@testable import JobsCelery

/// A worker whose messages and processes the test controls.
final class WorkerBench: Sendable {
    let broker = FakeBroker()
    let results = MemoryResults()
    let executor = TestExecutor()
    let events = RecordedEvents()
    let revoked = RevokedTasks()
    let worker: CeleryWorker

    init(
        jobs: [String] = ["work"],
        recording: (any JobRecording)? = nil,
        change: (inout CeleryWorkerParts) -> Void = { _ in }
    ) throws {
        var parts = CeleryWorkerParts.test(broker, executor, events)
        parts.results = results
        parts.recording = recording
        parts.jobs = jobs.map { JobDefinition(name: "app/\($0)", taskName: $0, version: "1") }
        parts.revoked = revoked
        parts.options.concurrency = 2
        change(&parts)
        worker = try CeleryWorker(parts)
    }

    /// Runs the worker while the body runs, then stops it.
    func run(_ body: () async throws -> Void) async throws {
        let running = Task { try await WorkerServices(self.worker, on: []).run() }
        do {
            try await body()
        } catch {
            running.cancel()
            try? await running.value
            throw error
        }
        worker.shutDown()
        try await running.value
    }

    func send(_ message: TaskMessage, isRedelivered: Bool = false) {
        deliver(message.raw(queue: "dash"), tag: message.id, isRedelivered: isRedelivered)
    }

    func send(_ id: String, task: String = "work", change: (inout TaskMessage) -> Void = { _ in }) {
        var message = TaskMessage(task: task, id: id, arguments: RawJSON(unchecked: Array("[2]".utf8)))
        change(&message)
        send(message)
    }

    func deliver(_ task: BrokerMessage, tag: String, isRedelivered: Bool = false) {
        broker.consumer.deliver(Delivery(tag: tag, queue: "dash", task: task, isRedelivered: isRedelivered))
    }

    /// Waits until a delivery is settled, and returns how; nil is by other means.
    func settlement(of tag: String) async -> Settlement? {
        for await settled in broker.consumer.settling where settled == tag {
            return broker.consumer.settled[tag]
        }
        return nil
    }

    /// The newest stored meta of a task.
    func meta(of id: String) -> ResultMeta? { results.metas.last { $0.taskID == id } }
}

extension CeleryWorkerParts {
    /// Parts without servers and processes.
    static func test(
        _ broker: any CeleryBroker = FakeBroker(),
        _ executor: any JobExecutor = TestExecutor(),
        _ events: any WorkerEvents = RecordedEvents(),
        worker: String = "dash@test"
    ) -> CeleryWorkerParts {
        var parts = CeleryWorkerParts(
            broker: broker,
            results: MemoryResults(),
            executor: executor,
            codec: PlainJobCodec(),
            jobs: [],
            options: JobWorkerOptions(),
            identity: WorkerIdentity(node: worker, id: worker),
            revoked: RevokedTasks(),
            events: events,
            logger: .quiet
        )
        parts.options.queues = ["dash"]
        return parts
    }
}

/// Records a worker's events.
final class RecordedEvents: WorkerEvents {
    private let events = Mutex<[TaskEvent]>([])

    var isEnabled: Bool { true }
    var all: [TaskEvent] { events.withLock { $0 } }

    func send(_ event: @autoclosure () -> TaskEvent) {
        let event = event()
        events.withLock { $0.append(event) }
    }
}
