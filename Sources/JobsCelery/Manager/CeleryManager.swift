// `CeleryError` is public there.
@_exported public import CeleryProtocol
import DashJSON
public import Jobs
import Logging
import RedisClient
public import ServiceLifecycle
import Support

/// Background jobs on a Celery queue. Jobs run in separate workers, which Celery's own tools can monitor and control.
///
/// ```swift
/// let app = DashApp(jobs: try CeleryManager(broker: "redis://localhost:6379/0"))
/// ```
///
/// With results in Redis, any number of web servers can share the jobs; `rpc://` (RabbitMQ alone) supports one.
public struct CeleryManager: JobBackend {
    /// Settings of the queue.
    public struct Options: Sendable {
        /// The queue of this program's own workers. Each program on a broker needs its own; Celery's default `celery`
        /// does not work, because workers of other programs do not know the jobs of this one.
        public var queue = "dash"
        /// The queue of other programs' workers, for tasks that name none.
        public var remoteQueue = "celery"
        /// The highest priority of messages in this program's own queue on RabbitMQ, for example 10. Nil declares a
        /// queue without priorities, as Python programs do: RabbitMQ refuses their declaration of a queue with another
        /// `x-max-priority`.
        public var maximumPriority: Int?
        /// Prefix of this program's keys in Redis. Programs that share a Redis need different ones.
        public var keyPrefix = "dash:"
        /// Prefix of the keys, queues and channels of a Redis broker, used unchanged. Celery's
        /// `broker_transport_options = {"global_keyprefix": "proj_"}`.
        public var brokerKeyPrefix = ""
        /// Prefix of the keys of Celery's results in Redis. Celery's
        /// `result_backend_transport_options = {"global_keyprefix": "proj"}`. As in Celery, a `_` is appended unless it
        /// ends in one of `: _ - .`
        public var resultKeyPrefix = ""
        /// How long Celery's results are kept for other programs; zero keeps them forever.
        public var resultExpiry = Duration.seconds(86_400)
        /// Limit of cached results in Redis in bytes. The least recently used are evicted first.
        public var maximumCacheBytes = 256 << 20
        /// How long a worker can be silent before it counts as dead and its jobs run elsewhere. At least two seconds.
        public var lease = Duration.seconds(6)
        /// How long a task that another program's worker began (`celeryTask:`) can be silent before it counts as lost,
        /// unless a page still polls it. A killed Python worker does not report its tasks.
        public var remoteSilence = Duration.seconds(3600)
        /// On RabbitMQ, the message of a task that runs longer than this moves to Redis. Must be shorter than the
        /// server's `consumer_timeout`.
        public var handOver = Duration.seconds(600)

        /// Creates options with the default values.
        public init() {}
    }

    let broker: any BrokerAddress
    let results: CeleryAddress.Results
    let options: Options

    /// Creates a backend. Does not connect.
    ///
    /// - Parameters:
    ///   - broker: The broker's address: `redis://`, `rediss://`, `redis+socket://`, and with the product `JobsRabbitMQ`
    ///     `amqp://` or `amqps://`.
    ///   - results: The store of jobs and results: a Redis, or `rpc://` for a single web server with RabbitMQ. Nil for
    ///     the broker itself if that is a Redis.
    ///   - brokers: The kinds of brokers that `broker` may name: `[.redis, .rabbitMQ]` with `JobsRabbitMQ`.
    ///   - options: Queue, keys and times.
    /// - Throws: `CeleryError.option` for an invalid address or option.
    public init(
        broker: String,
        results: String? = nil,
        brokers: [CeleryTransport] = [.redis],
        options: Options = Options()
    ) throws {
        guard options.lease >= .seconds(2) else {
            throw CeleryError(.option, "A worker's lease must be at least two seconds.")
        }
        guard options.remoteSilence > .zero else {
            throw CeleryError(.option, "The time after which a silent task counts as lost must be longer than zero.")
        }
        guard !options.queue.isEmpty, !options.keyPrefix.isEmpty else {
            throw CeleryError(.option, "The queue and the key prefix must not be empty.")
        }
        self.broker = try CeleryTransport.address(broker, of: brokers)
        self.results = try CeleryAddress.Results(results, broker: self.broker)
        self.options = options
    }

    /// Creates a backend from the environment: `CELERY_BROKER_URL` and `CELERY_RESULT_BACKEND`, or `REDIS_URL`.
    ///
    /// - Parameters:
    ///   - brokers: The kinds of brokers that the address may name: `[.redis, .rabbitMQ]` with `JobsRabbitMQ`.
    ///   - options: Queue, keys and times.
    /// - Returns: Nil if no variable is set.
    /// - Throws: `CeleryError.option` for an invalid address or option.
    public static func fromEnvironment(
        brokers: [CeleryTransport] = [.redis],
        options: Options = Options()
    ) throws -> CeleryManager? {
        try from(brokers, options) { name in getenv(name).map { String(cString: $0) } }
    }

    static func from(
        _ brokers: [CeleryTransport],
        _ options: Options,
        _ variable: (String) -> String?
    ) throws -> CeleryManager? {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        let (redis, results) = (value("REDIS_URL"), value("CELERY_RESULT_BACKEND"))
        if let broker = value("CELERY_BROKER_URL") {
            let isRedis = CeleryTransport.redis.schemes.contains(CeleryAddress.scheme(of: broker))
            let results = results ?? (isRedis ? nil : redis)
            return try CeleryManager(broker: broker, results: results, brokers: brokers, options: options)
        }
        if let redis { return try CeleryManager(broker: redis, results: results, brokers: brokers, options: options) }
        guard results == nil else {
            throw CeleryError(
                .option,
                "CELERY_RESULT_BACKEND is set without a broker: set CELERY_BROKER_URL too, or only REDIS_URL."
            )
        }
        return nil
    }

    /// Whether several web servers can share it. True with results in Redis.
    public var isShared: Bool {
        if case .redis = results { true } else { false }
    }
}

/// The connections of a manager or of a worker.
struct CeleryConnections: Sendable {
    var broker: any CeleryBroker
    var redis: any RedisClient
    var subscriber: RedisPubSub
    var options: RedisOptions
    /// The services of the connections.
    var services: [any Service]
}

extension CeleryManager {
    /// Creates the web server's manager, which runs its connections.
    public func makeManager(_ setup: JobBackendSetup) throws -> any JobManager {
        if case .redis(let results) = results { return CeleryJobManager(try records(results, setup), setup) }
        setup.logger.notice(
            "Results with rpc:// support one web server, whose jobs are lost when it stops. Use Redis for several."
        )
        return EmbeddedJobManager(
            store: MemoryJobStore(),
            executor: RPCExecutor(try rpcBroker(setup.logger), setup, options),
            configuration: setup.configuration,
            logger: setup.logger
        )
    }

    private func rpcBroker(_ logger: Logger) throws -> any RPCBroker {
        if let broker = try broker.makeRPCBroker(options, logger) { return broker }
        throw CeleryError(.option, "Results with rpc:// require RabbitMQ.")
    }

    /// Creates the state that web servers share; nil with `rpc://`, which supports one server.
    public func makeSharedState(_ setup: JobBackendSetup) throws -> (any SharedState)? {
        guard case .redis(let results) = results else { return nil }
        return RedisSharedState(RedisOptions(results, logger: setup.logger), prefix: options.keyPrefix)
    }

    /// Creates the records with the connections of a manager or a worker, which connect when their services run.
    func records(_ results: RedisURL, _ setup: JobBackendSetup) throws -> JobRecords {
        let redisOptions = RedisOptions(results, name: "dash-results", logger: setup.logger)
        let shared = broker.redis == results ? RedisBroker(results, options, setup.logger) : nil
        let redis = shared?.client ?? ReconnectingRedisClient(redisOptions)
        let subscriber = shared?.subscriber ?? RedisPubSub(redisOptions)
        let broker: any CeleryBroker = try shared ?? broker.makeBroker(options, setup.logger)
        let connections = CeleryConnections(
            broker: broker,
            redis: redis,
            subscriber: subscriber,
            options: redisOptions,
            services: shared.map { [$0] } ?? [redis, subscriber, broker]
        )
        let isBroker = shared != nil
        let settings = RecordSettings(options: options, isBroker: isBroker, rules: JobRules(setup.configuration))
        return JobRecords(connections: connections, settings: settings)
    }
}

// MARK: - Worker

extension CeleryManager {
    /// Creates a worker with its processes, its connections and Celery's remote control.
    ///
    /// - Throws: `CeleryError.option` for invalid options.
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
            let broker = try rpcBroker(setup.logger)
            let events = events(of: identity, broker, options)
            var parts = parts(setup, options, identity, pool, broker, RPCResults(broker: broker), events)
            parts.pool = pool
            parts.recording = RPCRecording(broker: broker, setup: setup)
            let worker = try CeleryWorker(parts)
            return WorkerServices(worker, on: [broker, ControlService(worker.parts, worker, events)])
        }
        let records = try records(results, setup)
        let connections = records.connections
        let seconds = Int(self.options.resultExpiry.wholeMilliseconds / 1000)
        let settings = ResultSettings(expires: seconds, keyPrefix: self.options.resultKeyPrefix)
        let stored = RedisResults(redis: connections.redis, settings: settings)
        let events = events(of: identity, connections.broker, options)
        var parts = parts(setup, options, identity, pool, connections.broker, stored, events)
        (parts.redis, parts.pool) = (connections.redis, pool)
        parts.recording = RecordedJobs(records, setup)
        let worker = try CeleryWorker(parts)
        let liveness = worker.liveness(records, on: connections.options)
        let control = ControlService(worker.parts, worker, events)
        return WorkerServices(worker, on: [liveness] + connections.services + [control])
    }

    /// The parts of a worker without records.
    func parts(
        _ setup: JobBackendSetup,
        _ options: JobWorkerOptions,
        _ identity: WorkerIdentity,
        _ executor: any JobExecutor,
        _ broker: any CeleryBroker,
        _ results: any ResultStore,
        _ events: EventDispatcher
    ) -> CeleryWorkerParts {
        var parts = CeleryWorkerParts(
            broker: broker,
            results: results,
            executor: executor,
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
        return parts
    }

    /// Celery settings that remote control shows in addition to the worker's own, without passwords in addresses.
    var shownSettings: JSONObject {
        var settings: JSONObject = ["task_default_queue": .string(options.queue), "worker_enable_remote_control": true]
        settings["broker_url"] = .string("\(broker)")
        switch results {
        case .redis(let url): settings["result_backend"] = .string("\(url)")
        case .rpc: settings["result_backend"] = "rpc://"
        }
        settings["result_expires"] = .double(options.resultExpiry / .seconds(1))
        return settings
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
}

extension JobBackendSetup {
    /// The versions of this program's jobs; nil if they are not compared.
    var currentVersion: (@Sendable (String) -> String?)? {
        if let known = configuration.currentVersion { return known }
        guard !jobs.isEmpty else { return nil }
        let versions = Dictionary(jobs.map { ($0.name, $0.version) }) { first, _ in first }
        return { versions[$0] }
    }

    /// The message that runs a job.
    func message(
        for request: JobRequest,
        priority: Int = 0,
        _ options: CeleryManager.Options
    ) throws -> BrokerMessage {
        if let remote = request.remote {
            var message = TaskMessage(task: remote.name, id: request.id.text, arguments: remote.arguments)
            message.ignoresResult = false
            return message.raw(queue: remote.queue ?? options.remoteQueue)
        }
        let (arguments, extra) = try codec.encode(payload: request.payload, of: request.name)
        let job = jobs.first { $0.name == request.name }
        var message = TaskMessage(task: job?.taskName ?? request.name, id: request.id.text, arguments: arguments)
        message.custom["dash"] = try JSON(parsing: extra.bytes)
        message.priority = priority
        return message.raw(queue: options.queue)
    }

    /// A job's result for other programs; null if it has none.
    func value(of result: [UInt8], _ job: JobFacts) -> RawJSON {
        do {
            return try codec.value(ofResult: result, of: job.name)
        } catch {
            let metadata: Logger.Metadata = ["job": "\(job.id)", "error": "\(error)"]
            logger.warning("A result could not be encoded for other programs.", metadata: metadata)
            return .null
        }
    }
}
