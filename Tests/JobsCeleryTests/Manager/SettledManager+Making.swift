import Jobs
import JobsConformance
import Logging
import ServiceLifecycle

@testable import JobsCelery
@testable import RedisClient

extension CeleryConnections {
    init(
        _ broker: any CeleryBroker,
        _ redis: any RedisClient,
        _ subscriber: RedisPubSub,
        _ options: RedisOptions,
        _ services: [any Service]
    ) {
        self.init(broker: broker, redis: redis, subscriber: subscriber, options: options, services: services)
    }

    /// Connections to one Redis.
    static func patient(_ url: RedisURL) -> CeleryConnections {
        let broker = RedisBroker.patient(url)
        return CeleryConnections(broker, broker.client, broker.subscriber, RedisOptions.patient(url), [broker])
    }
}

extension SettledManager {
    /// A manager and a worker with separate connections.
    init(
        _ setup: JobManagerConformance.Setup,
        managing: CeleryConnections,
        working: CeleryConnections,
        queue: String = "dash",
        isBroker: Bool
    ) throws {
        var settings = RecordSettings(isBroker: isBroker, rules: JobRules(setup.configuration), clock: setup.clock)
        settings.options.queue = queue
        let records = JobRecords(connections: managing, settings: settings)
        let manager = CeleryJobManager(records, JobBackendSetup(logger: .quiet), tick: .milliseconds(20))
        let ledger = UpdateLedger()
        let worker = try Self.worker(setup.executor, working, queue, settings, ledger)
        self.init(manager: manager, worker: worker, executor: setup.executor, ledger: ledger)
    }

    /// A worker whose tasks the test completes.
    static func worker(
        _ executor: TestExecutor,
        _ queue: CeleryConnections,
        _ name: String,
        _ settings: RecordSettings,
        _ ledger: UpdateLedger
    ) throws -> WorkerServices {
        let records = JobRecords(connections: queue, settings: settings)
        let recording = RecordedJobs(
            records,
            JobBackendSetup(configuration: settings.rules.limits, logger: .quiet)
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
