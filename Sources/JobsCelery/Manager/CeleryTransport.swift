import CeleryProtocol
package import Logging
package import RedisClient

/// A kind of broker for the messages of a ``CeleryManager``.
///
/// `.redis` is part of this module. `.rabbitMQ` comes from the product `JobsRabbitMQ`, the only one that needs
/// librabbitmq:
///
/// ```swift
/// import JobsCelery
/// import JobsRabbitMQ
///
/// let jobs = try CeleryManager.fromEnvironment(brokers: [.redis, .rabbitMQ])
/// ```
public struct CeleryTransport: Sendable {
    /// The schemes of its addresses, in lowercase.
    package let schemes: Set<String>
    private let read: @Sendable (String) throws -> any BrokerAddress

    /// A transport.
    ///
    /// - Parameters:
    ///   - schemes: The schemes of its addresses, in lowercase.
    ///   - read: Parses an address with one of these schemes; throws `CeleryError.option`.
    package init(schemes: Set<String>, read: @escaping @Sendable (String) throws -> any BrokerAddress) {
        self.schemes = schemes
        self.read = read
    }

    /// Redis: `redis://`, `rediss://`, `redis+socket://`, `unix://`.
    public static let redis = CeleryTransport(schemes: ["redis", "rediss", "redis+socket", "unix"]) {
        try RedisURL($0)
    }

    /// Parses an address with the transport that has its scheme.
    ///
    /// - Throws: `CeleryError.option` with a sentence that says what to do.
    static func address(_ text: String, of transports: [CeleryTransport]) throws -> any BrokerAddress {
        let scheme = CeleryAddress.scheme(of: text)
        if let transport = transports.first(where: { $0.schemes.contains(scheme) }) { return try transport.read(text) }
        throw CeleryError(.option, complaint(about: scheme))
    }

    private static func complaint(about scheme: String) -> String {
        if rabbitMQSchemes.contains(scheme) {
            return
                "The broker's address begins with \(scheme)://, but this program has no support for RabbitMQ. Add the "
                + "product JobsRabbitMQ to your target, import it, and pass brokers: [.redis, .rabbitMQ]."
        }
        if redis.schemes.contains(scheme) {
            return "The broker's address begins with \(scheme)://, but the argument brokers does not contain .redis."
        }
        return "Unknown broker scheme “\(scheme)”. Use redis:// or rediss://, or with the product JobsRabbitMQ amqp:// "
            + "or amqps://."
    }

    /// The schemes of `.rabbitMQ`. They stand here for the error that names its product.
    package static let rabbitMQSchemes: Set<String> = ["amqp", "amqps", "pyamqp", "librabbitmq"]
}

/// The address of a broker. Its description omits the password.
package protocol BrokerAddress: Sendable, CustomStringConvertible {
    /// The address if it is that of a Redis.
    var redis: RedisURL? { get }

    /// Creates the broker. It connects when it runs.
    func makeBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> any CeleryBroker

    /// Creates a broker that also delivers results (`rpc://`); nil for a broker without that capability.
    func makeRPCBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> (any RPCBroker)?
}

extension BrokerAddress {
    package var redis: RedisURL? { nil }

    package func makeRPCBroker(_ options: CeleryManager.Options, _ logger: Logger) throws -> (any RPCBroker)? { nil }
}

extension RedisURL: BrokerAddress {
    package var redis: RedisURL? { self }

    package func makeBroker(_ options: CeleryManager.Options, _ logger: Logger) -> any CeleryBroker {
        RedisBroker(self, options, logger)
    }
}

extension RedisBroker {
    convenience init(_ url: RedisURL, _ options: CeleryManager.Options, _ logger: Logger) {
        var broker = RedisBrokerOptions()
        broker.terms.lease = options.lease
        broker.keys.prefix = options.brokerKeyPrefix
        self.init(url, options: broker, logger: logger)
    }
}

/// A broker that also delivers results, as messages to the queue of the task's sender (`rpc://`).
package protocol RPCBroker: CeleryBroker {
    /// Sends a task's meta (JSON) to the task's sender. A missing sender is not an error.
    func publishResult(_ meta: [UInt8], of id: String, to replyTo: String) async throws

    /// The queue of this process' results, declared on first use.
    var replyQueue: any RPCReplyQueue { get }
}

/// The queue on which a process receives the results of its tasks.
package protocol RPCReplyQueue: Sendable {
    /// The queue's name, sent as the `reply_to` of tasks.
    var queue: String { get }

    /// Waits until the queue has been declared once: a result sent before that is lost.
    func ready() async

    /// The metas of a task, in order, from now on; subscribe before sending the task.
    func results(of id: String) -> AsyncStream<BrokerMessage>

    /// Finishes the stream of a task.
    func end(_ id: String)
}
