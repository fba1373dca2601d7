import CeleryProtocol
package import DashJSON
package import ServiceLifecycle

/// A message broker: Redis or RabbitMQ. A service: `run()` keeps it connected.
///
/// Without a connection operations wait for one, and after a timeout throw `CeleryError.unreachable`.
package protocol CeleryBroker: Service {
    /// The broker as `stats` shows it; without the password.
    var information: JSON { get }

    /// The message priorities, the most urgent first: lower is more urgent on Redis, higher on RabbitMQ.
    var priorities: [Int] { get }

    /// Puts a message into its queue (`routingKey`), which is declared if necessary. Returns when the broker has
    /// accepted the message.
    func publish(_ task: BrokerMessage) async throws

    /// The number of messages waiting in a queue, without those held by workers; 0 if the queue does not exist.
    func waiting(in queue: String) async throws -> Int

    /// Whether the broker redelivers a message that a live worker does not acknowledge in time.
    var limitsAcknowledgementTime: Bool { get }

    /// Creates a worker's consumer, which delivers messages while its `run()` runs.
    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) throws -> any CeleryConsumer

    /// Sends a request to all workers (exchange `celery.pidbox`).
    func broadcast(_ request: BrokerMessage) async throws

    /// Sends a request to all workers and waits for their replies, up to a time limit, or until all have replied if
    /// their number is known. Returns immediately if no worker is listening.
    ///
    /// - Parameters:
    ///   - sent: Called once after the request was sent.
    ///   - heard: Called with each reply.
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws

    /// The requests to all workers from now on. Requests sent while disconnected are missed, as in Celery.
    func broadcasts() -> AsyncStream<BrokerMessage>

    /// Waits until the streams of ``broadcasts()`` receive requests, or the task is cancelled.
    func hearsBroadcasts() async

    /// Replies to a broadcast (exchange `reply.celery.pidbox`). A missing caller is not an error.
    func reply(_ reply: BrokerMessage) async throws

    /// Publishes an event (exchange `celeryev`) with a routing key such as `worker.heartbeat` or `task.multi`. Best
    /// effort.
    func publishEvent(_ event: BrokerMessage) async
}

/// A worker's consumer of a broker. Each delivery is settled exactly once. A service.
package protocol CeleryConsumer: Service {
    /// The next deliveries, 1 to `limit`; waits for the first. Empty once the consumer has ended.
    func fetch(upTo limit: Int) async -> [Delivery]

    /// Settles a delivery. After a lost connection the settlement is repeated where necessary.
    func settle(_ delivery: Delivery, as settlement: Settlement) async

    /// Stores results in order, and settles deliveries in the same operation where it can.
    ///
    /// - Returns: The completions whose deliveries are still to be settled.
    /// - Throws: When not all could be done; all may then be reported again.
    func report(_ completions: [TaskCompletion], to results: any ResultStore) async throws -> [TaskCompletion]

    /// Notes that a delivery was settled by the script that stored the task's completion.
    func settled(_ delivery: Delivery)

    /// Sets the most deliveries that may be unsettled at once.
    func setPrefetch(_ prefetch: Int)

    /// Consumes a further queue. Has no effect if it is consumed already.
    func add(queue: String) async throws

    /// Stops consuming a queue.
    func cancel(queue: String) async throws

    /// The consumed queues.
    var queues: [String] { get }

    /// Stops deliveries; unsettled ones can still be settled.
    func stopFetching()

    /// The lease by which other users of the broker detect that this worker is alive; nil if the broker detects it.
    var lease: WorkerLease? { get }

    /// The worker's lease expired because its loop does not respond (true), or was renewed afterwards (false). In
    /// between its deliveries go to other workers. Not called on the worker's thread.
    func leaseLapsed(_ isOver: Bool)
}

extension CeleryBroker {
    package var limitsAcknowledgementTime: Bool { false }
}

extension CeleryConsumer {
    package var lease: WorkerLease? { nil }

    package func leaseLapsed(_ isOver: Bool) {}

    package func report(
        _ completions: [TaskCompletion],
        to results: any ResultStore
    ) async throws -> [TaskCompletion] {
        try await results.store(completions)
        return completions
    }
}

/// A message that was delivered to a worker.
package struct Delivery: Sendable, Hashable {
    /// Identifies the delivery among all workers: Redis' delivery tag, which stays with the message, or a generated tag
    /// for RabbitMQ, which does not.
    package var tag: String
    package var queue: String
    package var task: BrokerMessage
    /// Whether the message was delivered before.
    var isRedelivered = false

    package init(tag: String, queue: String, task: BrokerMessage, isRedelivered: Bool = false) {
        self.tag = tag
        self.queue = queue
        self.task = task
        self.isRedelivered = isRedelivered
    }
}

/// How a delivery is settled.
package enum Settlement: Sendable, Hashable {
    case acknowledged
    /// Discarded.
    case rejected
    /// Requeued for any worker.
    case returned
    /// Delivered again at a time (milliseconds since 1970): a message with an ETA.
    case postponed(until: Int64)
}

package struct WorkerIdentity: Sendable, Hashable {
    /// The node name used by Celery's tools, `dash@host`.
    package var node: String
    /// Identifies this run of the worker: the node name and random digits.
    var id: String
}

package enum BrokerInformation {
    /// A broker's connection in kombu's format, as `stats` shows it.
    package static func json(
        _ transport: String,
        _ hostname: String,
        _ port: Int,
        userID: String?,
        virtualHost: String,
        usesTLS: Bool
    ) -> JSON {
        [
            "hostname": .string(hostname), "userid": .string(orNull: userID), "virtual_host": .string(virtualHost),
            "port": .int(port), "insist": false, "ssl": .bool(usesTLS), "transport": .string(transport),
            "connect_timeout": 4, "transport_options": [:],
            "login_method": transport.hasPrefix("amqp") ? "PLAIN" : nil, "uri_prefix": nil, "heartbeat": 120,
            "failover_strategy": "round-robin", "alternates": [], "credential_provider": nil,
        ]
    }
}
