public import Jobs

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Background jobs on a Celery queue: a page's jobs run in workers elsewhere, which Celery's own tools see and steer.
///
/// ```swift
/// let app = DashApp(jobs: try CeleryManager(broker: "redis://localhost:6379/0"))
/// ```
///
/// With results in Redis any number of web servers may work together. `rpc://` (RabbitMQ alone) serves a single one.
public struct CeleryManager: JobBackend {
    /// What may be chosen about the queue; the defaults fit.
    public struct Options: Sendable {
        /// The queue of this program's own workers. Never Celery's own `celery`: workers of other programs know no job of
        /// this one. Two programs on one broker need two.
        public var queue = "dash"
        /// The queue of other programs' workers, for their tasks that name none.
        public var remoteQueue = "celery"
        /// The highest priority of messages in this program's own queue on RabbitMQ, for example 10. Nil is a queue without
        /// priorities, as Python's programs declare it: with another `x-max-priority` they could not call by its name.
        public var maximumPriority: Int?
        /// Stands before the keys of this program in Redis; two programs that share a Redis need two.
        public var keyPrefix = "dash:"
        /// Stands before the keys and channels of a Redis broker, queues among them: what Celery's programs on it have as
        /// `broker_transport_options = {"global_keyprefix": "proj_"}`. It is taken as it is.
        public var brokerKeyPrefix = ""
        /// Stands before the keys of Celery's results in Redis: what Celery's programs have as
        /// `result_backend_transport_options = {"global_keyprefix": "proj"}`. A `_` follows, as there, unless it ends in one
        /// of `: _ - .`
        public var resultKeyPrefix = ""
        /// How long Celery's results are kept for programs that ask by a task's id; zero keeps them for ever.
        public var resultExpiry = Duration.seconds(86_400)
        /// How many bytes of cached results are kept in Redis; those unused for the longest time go first.
        public var maximumCacheBytes = 256 << 20
        /// After this time without a word a worker counts as dead, and its jobs run elsewhere. At least two seconds.
        public var lease = Duration.seconds(6)
        /// After so long without a word of it, a task that another program's worker began (`celeryTask:`) counts as lost,
        /// unless a page still asks for it. Of a Python worker that is killed nobody tells.
        public var remoteSilence = Duration.seconds(3600)
        /// On RabbitMQ, the message of a task that runs longer than this is kept in Redis instead; it has to be shorter
        /// than the server's `consumer_timeout`.
        public var handOver = Duration.seconds(600)

        /// The defaults.
        public init() {}
    }

    let broker: CeleryAddress.Broker
    let results: CeleryAddress.Results
    let options: Options

    /// Names a broker and a place for results. Nothing is connected yet.
    ///
    /// - Parameters:
    ///   - broker: The broker's address, `redis://`, `rediss://`, `redis+socket://`, `amqp://` or `amqps://`.
    ///   - results: Where jobs and results are kept: a Redis, or `rpc://` for a single web server with RabbitMQ. Nil is the
    ///     broker itself when that is a Redis.
    ///   - options: Queue, keys and times.
    /// - Throws: `CeleryError.option` with a sentence that says what to do.
    public init(broker: String, results: String? = nil, options: Options = Options()) throws {
        guard options.lease >= .seconds(2) else {
            throw CeleryError(.option, "A worker's lease has to be at least two seconds.")
        }
        guard options.remoteSilence > .zero else {
            throw CeleryError(.option, "The time after which a silent task counts as lost has to be longer than none.")
        }
        guard !options.queue.isEmpty, !options.keyPrefix.isEmpty else {
            throw CeleryError(.option, "The queue and the prefix of keys need names.")
        }
        self.broker = try CeleryAddress.Broker(broker)
        self.results = try CeleryAddress.Results(results, broker: self.broker)
        self.options = options
    }

    /// The queue that the environment names: `CELERY_BROKER_URL` with `CELERY_RESULT_BACKEND`, or `REDIS_URL` for both.
    ///
    /// - Parameter options: Queue, keys and times.
    /// - Returns: nil when no variable is set.
    /// - Throws: `CeleryError.option` with a sentence that says what to do.
    public static func fromEnvironment(_ options: Options = Options()) throws -> CeleryManager? {
        try from(options) { name in getenv(name).map { String(cString: $0) } }
    }

    static func from(_ options: Options, _ variable: (String) -> String?) throws -> CeleryManager? {
        func value(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        let (redis, results) = (value("REDIS_URL"), value("CELERY_RESULT_BACKEND"))
        if let broker = value("CELERY_BROKER_URL") {
            let isRedis = if case .redis = try CeleryAddress.Broker(broker) { true } else { false }
            return try CeleryManager(broker: broker, results: results ?? (isRedis ? nil : redis), options: options)
        }
        if let redis { return try CeleryManager(broker: redis, results: results, options: options) }
        guard results == nil else {
            throw CeleryError(
                .option,
                "CELERY_RESULT_BACKEND is set, but no broker is: set CELERY_BROKER_URL too, or REDIS_URL alone."
            )
        }
        return nil
    }

    /// Whether several web servers may use it together: with results in Redis.
    public var isShared: Bool {
        if case .redis = results { true } else { false }
    }
}
