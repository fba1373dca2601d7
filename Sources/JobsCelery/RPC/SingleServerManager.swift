import CeleryProtocol
import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Support

/// The manager of a single web server with RabbitMQ alone (`rpc://`). Keeps jobs in memory.
struct SingleServerManager: JobManager {
    let manager: EmbeddedJobManager

    func open() async throws { try await manager.open() }

    func run() async throws { try await manager.run() }

    func start(_ request: JobRequest) async throws -> JobID {
        var request = request
        if let remote = request.remote { request.payload = remote.payload }
        return try await manager.start(request)
    }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? { try await manager.cachedResult(for: key) }

    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await manager.update(of: id, after: sequence)
    }

    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await manager.nextUpdate(of: id, after: sequence)
    }

    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws { try await manager.record(delivery, for: id) }

    func cancel(_ id: JobID, reason: String) async throws { try await manager.cancel(id, reason: reason) }

    func statistics() async -> JobStatistics { await manager.statistics() }
}

extension CeleryManager {
    func makeSingleManager(_ setup: JobBackendSetup) throws -> any JobManager {
        let broker = try rpcBroker(setup.logger)
        setup.logger.notice(
            "Results with rpc:// support one web server, whose jobs are lost when it stops. Use Redis for several."
        )
        let executor = RPCExecutor(broker, setup, options)
        let manager = EmbeddedJobManager(
            store: MemoryJobStore(),
            executor: executor,
            configuration: setup.configuration,
            logger: setup.logger
        )
        return SingleServerManager(manager: manager)
    }

    private func rpcBroker(_ logger: Logger) throws -> any RPCBroker {
        guard let broker = try broker.makeRPCBroker(options, logger) else {
            throw CeleryError(.option, "Results with rpc:// require RabbitMQ.")
        }
        return broker
    }

    func makeSingleWorker(
        _ setup: JobBackendSetup,
        _ options: JobWorkerOptions,
        _ identity: WorkerIdentity,
        _ pool: WorkerPool
    ) throws -> any Service {
        let broker = try rpcBroker(setup.logger)
        let events = events(of: identity, broker, options)
        var parts = singleParts(setup, options, identity, pool, broker, events)
        parts.pool = pool
        let worker = try CeleryWorker(parts)
        return WorkerServices(worker, on: [broker, ControlService(worker.parts, worker, events)])
    }

    /// The parts of a worker without records.
    func singleParts(
        _ setup: JobBackendSetup,
        _ options: JobWorkerOptions,
        _ identity: WorkerIdentity,
        _ executor: any JobExecutor,
        _ broker: any RPCBroker,
        _ events: EventDispatcher
    ) -> CeleryWorkerParts {
        var parts = CeleryWorkerParts(
            broker: broker,
            results: RPCResults(broker: broker),
            executor: executor,
            codec: setup.codec,
            jobs: setup.jobs,
            options: options,
            identity: identity,
            revoked: RevokedTasks(),
            events: events,
            logger: setup.logger
        )
        parts.greeted = AsyncLatch<Void>()
        parts.recording = RPCRecording(broker: broker, codec: setup.codec, jobs: setup.jobs, logger: setup.logger)
        return parts
    }
}
