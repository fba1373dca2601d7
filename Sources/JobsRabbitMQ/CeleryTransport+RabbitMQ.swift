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
    public static let rabbitMQ = CeleryTransport(schemes: rabbitMQSchemes) { try AMQPURL($0) }
}

extension AMQPURL: BrokerAddress {
    var redis: RedisURL? { nil }

    func makeBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> any CeleryBroker {
        try makeRabbitBroker(options, logger)
    }

    func makeRPCBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> (any RPCBroker)? {
        try makeRabbitBroker(options, logger)
    }

    private func makeRabbitBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> RabbitBroker {
        let rabbit = RabbitOptions(queue: options.queue, maximumPriority: options.maximumPriority)
        return try RabbitBroker(self, options: rabbit, logger: logger)
    }
}
