public import Jobs
import Logging
import ServiceLifecycle

/// The connections of a manager or of a worker.
struct CeleryConnections: Sendable {
    var broker: any CeleryBroker
    var redis: any RedisClient
    var subscriber: any RedisSubscriber
    var options: RedisOptions
    /// What must run for the others to work.
    var services: [any Service]
    /// Whether the broker is the Redis that keeps the records.
    var isBroker: Bool
}

extension CeleryManager {
    /// Makes the web server's manager; it runs its connections.
    public func makeManager(_ setup: JobBackendSetup) throws -> any JobManager {
        guard case .redis(let results) = results else { return try makeSingleManager(setup) }
        let connections = try connect(results, setup.logger)
        return CeleryJobManager(
            CeleryJobManager.Parts(
                records: records(connections, setup),
                broker: connections.broker,
                subscriber: connections.subscriber,
                connections: connections.services,
                codec: setup.codec,
                jobs: setup.jobs,
                queue: options.queue,
                remoteQueue: options.remoteQueue,
                logger: setup.logger
            )
        )
    }

    /// Makes what several web servers share of a page; nil with `rpc://`, which serves one.
    public func makeFleet(_ setup: JobBackendSetup) throws -> (any JobFleet)? {
        guard case .redis(let results) = results else { return nil }
        return RedisFleet(RedisOptions(results, logger: setup.logger), prefix: options.keyPrefix)
    }

    /// Connections of its own for a manager or a worker; they are made when its services run.
    func connect(_ results: RedisURL, _ logger: Logger) throws -> CeleryConnections {
        let redisOptions = RedisOptions(results, name: "dash-results", logger: logger)
        if case .redis(let url) = broker, url == results {
            let broker = redisBroker(url, logger)
            return CeleryConnections(
                broker: broker,
                redis: broker.client,
                subscriber: broker.subscriber,
                options: redisOptions,
                services: [broker],
                isBroker: true
            )
        }
        let (redis, subscriber) = (ReconnectingRedisClient(redisOptions), RedisPubSub(redisOptions))
        let broker = try makeBroker(logger)
        return CeleryConnections(
            broker: broker,
            redis: redis,
            subscriber: subscriber,
            options: redisOptions,
            services: [redis, subscriber, broker],
            isBroker: false
        )
    }

    private func makeBroker(_ logger: Logger) throws -> any CeleryBroker {
        switch broker {
        case .redis(let url): redisBroker(url, logger)
        case .rabbit(let url): try rabbitBroker(url, logger)
        }
    }

    private func redisBroker(_ url: RedisURL, _ logger: Logger) -> RedisBroker {
        var options = RedisBrokerOptions()
        options.terms.lease = self.options.lease
        options.keys.prefix = self.options.brokerKeyPrefix
        return RedisBroker(url, options: options, logger: logger)
    }

    func rabbitBroker(_ url: AMQPURL, _ logger: Logger) throws -> RabbitBroker {
        var options = RabbitOptions()
        options.queues[self.options.queue] = RabbitQueue(maximumPriority: self.options.maximumPriority)
        return try RabbitBroker(url, options: options, logger: logger)
    }

    func records(_ connections: CeleryConnections, _ setup: JobBackendSetup) -> JobRecords {
        var settings = RecordSettings(isBroker: connections.isBroker)
        settings.prefix = options.keyPrefix
        settings.metaPrefix = ResultSettings(keyPrefix: options.resultKeyPrefix).key(of: "")
        if connections.isBroker { settings.keys.prefix = options.brokerKeyPrefix }
        settings.metaExpiry = options.resultExpiry
        settings.lease = options.lease
        settings.remoteSilence = options.remoteSilence
        settings.maximumCacheBytes = options.maximumCacheBytes
        settings.rules = JobRules(setup.configuration)
        return JobRecords(redis: connections.redis, settings: settings)
    }
}
