import DashJSON
public import Jobs
import Logging
public import ServiceLifecycle
import Support

extension CeleryManager {
    /// Makes a worker with its processes, its connections and its voice in Celery's remote control.
    ///
    /// - Throws: `CeleryError.option` for options that cannot be.
    public func makeWorker(_ setup: JobBackendSetup, options: JobWorkerOptions) throws -> any Service {
        var options = options
        if options.queues.isEmpty { options.queues = [self.options.queue] }
        let node = try NodeName.expanded(options.hostname ?? "dash@%h")
        let identity = WorkerIdentity(node: node, id: "\(node).\(JobID.new)")
        let worker = try makeWorker(setup, options, identity)
        guard let pattern = options.pidFile else { return worker }
        let file = PIDFile(path: try NodeName.path(pattern, of: node))
        try file.take()
        return WorkerWithPIDFile(worker: worker, file: file)
    }

    private func makeWorker(
        _ setup: JobBackendSetup,
        _ options: JobWorkerOptions,
        _ identity: WorkerIdentity
    ) throws -> any Service {
        let pool = WorkerPool(setup.pool.worker(options), logger: setup.logger)
        guard case .redis(let results) = results else {
            return try makeSingleWorker(setup, options, identity, pool)
        }
        let connections = try connect(results, setup.logger)
        let records = records(connections, setup)
        let events = events(of: identity, connections.broker, options)
        let worker = try CeleryWorker(parts(setup, options, identity, pool, connections, records, events))
        let liveness = WorkerLiveness(worker, records: records, on: connections.options)
        return WorkerServices(
            worker,
            on: [liveness] + connections.services + [control(of: worker, events, setup.logger)]
        )
    }

    private func parts(
        _ setup: JobBackendSetup,
        _ options: JobWorkerOptions,
        _ identity: WorkerIdentity,
        _ pool: WorkerPool,
        _ connections: CeleryConnections,
        _ records: JobRecords,
        _ events: EventDispatcher
    ) -> CeleryWorkerParts {
        let seconds = Int(self.options.resultExpiry.wholeMilliseconds / 1000)
        let results = RedisResults(
            redis: connections.redis,
            subscriber: connections.subscriber,
            settings: ResultSettings(expires: seconds, keyPrefix: self.options.resultKeyPrefix)
        )
        var parts = CeleryWorkerParts(
            broker: connections.broker,
            results: results,
            chords: results,
            redis: connections.redis,
            executor: pool,
            pool: pool,
            codec: setup.codec,
            jobs: setup.jobs,
            options: options,
            identity: identity,
            revoked: RevokedTasks(),
            events: events,
            logger: setup.logger
        )
        parts.settings.handOver = self.options.handOver
        parts.settings.keyPrefix = self.options.keyPrefix
        parts.settings.lease = self.options.lease
        parts.settings.shown = shownSettings
        parts.greeted = AsyncLatch<Void>()
        parts.recording = RecordedJobs(
            records: records,
            subscriber: connections.subscriber,
            codec: setup.codec,
            currentVersion: Self.currentVersion(setup),
            broker: connections.broker,
            logger: setup.logger
        )
        return parts
    }

    /// What remote control shows as Celery's settings, besides those that the worker knows. No address has its password.
    var shownSettings: JSONObject {
        var settings: JSONObject = ["task_default_queue": .string(options.queue), "worker_enable_remote_control": true]
        switch broker {
        case .redis(let url): settings["broker_url"] = .string("\(url)")
        case .rabbit(let url): settings["broker_url"] = .string("\(url)")
        }
        switch results {
        case .redis(let url): settings["result_backend"] = .string("\(url)")
        case .rpc: settings["result_backend"] = "rpc://"
        }
        settings["result_expires"] = .double(options.resultExpiry / .seconds(1))
        return settings
    }

    /// The versions of this program's jobs.
    static func currentVersion(_ setup: JobBackendSetup) -> (@Sendable (String) -> String?)? {
        if let known = setup.configuration.currentVersion { return known }
        guard !setup.jobs.isEmpty else { return nil }
        let versions = Dictionary(setup.jobs.map { ($0.name, $0.version) }) { first, _ in first }
        return { versions[$0] }
    }

    func events(
        of identity: WorkerIdentity,
        _ broker: any CeleryBroker,
        _ options: JobWorkerOptions
    ) -> EventDispatcher {
        EventDispatcher(
            broker: broker,
            source: EventSource(node: identity.node),
            mode: options.sendsEvents ? .always : .disabled
        )
    }

    func control(of worker: CeleryWorker, _ events: EventDispatcher, _ logger: Logger) -> any Service {
        ControlService(
            node: worker.parts.identity.node,
            broker: worker.parts.broker,
            worker: worker,
            revoked: worker.parts.revoked,
            events: events,
            beats: worker.parts.options.sendsHeartbeats,
            mingles: worker.parts.options.mingles,
            greeted: worker.parts.greeted,
            logger: logger
        )
    }
}
