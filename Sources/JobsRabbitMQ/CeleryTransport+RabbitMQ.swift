public import JobsCelery
import Logging
import RedisClient

/// The broker that this module adds.
extension CeleryTransport {
    /// RabbitMQ: `amqp://`, `amqps://`, `pyamqp://`, `librabbitmq://`.
    ///
    /// ```swift
    /// let jobs = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ])
    /// ```
    public static let rabbitMQ = CeleryTransport(schemes: rabbitMQSchemes) { RabbitAddress(url: try AMQPURL($0)) }
}

/// The address of a RabbitMQ.
struct RabbitAddress: BrokerAddress {
    let url: AMQPURL

    var redis: RedisURL? { nil }
    var description: String { "\(url)" }

    func makeBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> any CeleryBroker {
        try makeRabbitBroker(options, logger)
    }

    func makeRPCBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> (any RPCBroker)? {
        try makeRabbitBroker(options, logger)
    }

    private func makeRabbitBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> RabbitBroker {
        var rabbit = RabbitOptions()
        rabbit.queues[options.queue] = RabbitQueue(maximumPriority: options.maximumPriority)
        return try RabbitBroker(url, options: rabbit, logger: logger)
    }
}
