import Jobs
import JobsConformance
import Logging
import ServiceLifecycle

@testable import JobsCelery
@testable import RedisClient

/// The broker and the Redis connections of a manager or a worker.
struct TestQueue: Sendable {
    var broker: any CeleryBroker
    var redis: any RedisClient
    var subscriber: RedisPubSub
    var options: RedisOptions
    /// The services of the connections.
    var services: [any Service]

    init(
        _ broker: any CeleryBroker,
        _ redis: any RedisClient,
        _ subscriber: RedisPubSub,
        _ options: RedisOptions,
        _ services: [any Service]
    ) {
        (self.broker, self.redis, self.subscriber) = (broker, redis, subscriber)
        (self.options, self.services) = (options, services)
    }
}

extension SettledManager {
    /// A manager and a worker with separate connections.
    init(
        _ setup: JobManagerConformance.Setup,
        managing: TestQueue,
        working: TestQueue,
        queue: String = "dash",
        isBroker: Bool
    ) throws {
        let settings = RecordSettings(isBroker: isBroker, rules: JobRules(setup.configuration), clock: setup.clock)
        let manager = CeleryJobManager(
            CeleryJobManager.Parts(
                records: JobRecords(redis: managing.redis, settings: settings),
                broker: managing.broker,
                subscriber: managing.subscriber,
                connections: managing.services,
                queue: queue,
                tick: .milliseconds(20),
                logger: .quiet
            )
        )
        let ledger = UpdateLedger()
        let worker = try Self.worker(setup.executor, working, queue, settings, ledger)
        self.init(manager: manager, worker: worker, executor: setup.executor, ledger: ledger)
    }

    /// A worker whose tasks the test completes.
    static func worker(
        _ executor: TestExecutor,
        _ queue: TestQueue,
        _ name: String,
        _ settings: RecordSettings,
        _ ledger: UpdateLedger
    ) throws -> WorkerServices {
        let records = JobRecords(redis: queue.redis, settings: settings)
        let recording = RecordedJobs(
            records: records,
            subscriber: queue.subscriber,
            codec: PlainJobCodec(),
            currentVersion: settings.rules.limits.currentVersion,
            broker: queue.broker,
            logger: .quiet
        )
        var options = JobWorkerOptions()
        options.queues = [name]
        let identity = WorkerIdentity(node: "dash@test", id: "dash@test.\(JobID.new)")
        let parts = CeleryWorkerParts(
            broker: queue.broker,
            results: RedisResults(redis: queue.redis),
            recording: LedgerRecording(recording: recording, ledger: ledger),
            redis: queue.redis,
            executor: LedgerExecutor(executor: executor, ledger: ledger),
            codec: PlainJobCodec(),
            jobs: [],
            options: options,
            identity: identity,
            revoked: RevokedTasks(),
            events: EventDispatcher(broker: queue.broker, source: EventSource(node: identity.node)),
            logger: .quiet
        )
        let celery = try CeleryWorker(parts)
        let liveness = celery.liveness(records, on: queue.options)
        return WorkerServices(celery, on: [liveness] + queue.services)
    }
}
