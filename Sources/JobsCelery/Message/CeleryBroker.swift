import DashJSON
import ServiceLifecycle

/// What carries messages: Redis or RabbitMQ. A service: `run()` keeps it connected.
///
/// Whatever is asked while there is no connection waits for one, for a time, and fails with `CeleryError.unreachable`.
protocol CeleryBroker: Service {
    /// What the broker is called in `stats`: `redis` or `amqp`, host, port and so on; never a password.
    var information: BrokerInformation { get }

    /// The priorities that messages have here, the most urgent first: on Redis the lower is first, on RabbitMQ the higher.
    var priorities: [Int] { get }

    /// Puts a message into its queue (`routingKey`), which is declared if need be. It is the broker's when this returns.
    func publish(_ task: BrokerMessage) async throws

    /// How many messages wait in a queue, without those that workers hold: none in a queue that is not there.
    func waiting(in queue: String) async throws -> Int

    /// Whether the broker takes a message back that is not acknowledged in time, though its worker lives.
    var limitsAcknowledgementTime: Bool { get }

    /// Makes a worker's end. Its `run()` must run for deliveries to come.
    func makeConsumer(_ worker: WorkerIdentity, queues: [String], prefetch: Int) throws -> any CeleryConsumer

    /// Says something to all workers (exchange `celery.pidbox`).
    func broadcast(_ request: BrokerMessage) async throws

    /// Asks all workers that listen, and waits until they have answered, as far as is known how many there are, but not
    /// longer than for a time. Where nobody listens it does not wait.
    ///
    /// - Parameters:
    ///   - sent: Called once when they have been asked, if that could be done.
    ///   - heard: Called with each answer.
    func ask(
        _ request: ControlRequest,
        within time: Duration,
        sent: @Sendable () -> Void,
        heard: @escaping @Sendable (BrokerMessage) -> Void
    ) async throws

    /// What is said to all workers. Requests that come while there is no connection are missed, as in Celery.
    func broadcasts() -> AsyncStream<BrokerMessage>

    /// Waits until what is said to all workers reaches those who read ``broadcasts()``, or the task is cancelled.
    func hearsBroadcasts() async

    /// Answers a broadcast (exchange `reply.celery.pidbox`); a caller that is gone is no error.
    func reply(_ reply: BrokerMessage) async throws

    /// Tells events (exchange `celeryev`) with a routing key such as `worker.heartbeat` or `task.multi`. Best effort.
    func publishEvent(_ event: BrokerMessage) async
}

/// A worker's end of a broker: deliveries come in, each is settled exactly once. A service.
protocol CeleryConsumer: Service {
    /// The next deliveries, 1 to `limit`; waits until there is one. An empty list tells that the consumer has ended.
    func fetch(upTo limit: Int) async -> [Delivery]

    /// Settles a delivery. Survives a lost connection: it is said again after the reconnection, where that has a sense.
    func settle(_ delivery: Delivery, as settlement: Settlement) async

    /// Settles several deliveries, in their order and in one go where the broker can: what a busy worker calls.
    func settle(_ deliveries: [(delivery: Delivery, settlement: Settlement)]) async

    /// What stores results and settles deliveries in one go; nil where they are in different places.
    func express(to results: any ResultStore) -> RedisBatchAck?

    /// Notes that a delivery was settled by other means: by a script that also wrote the task's end.
    func settled(_ delivery: Delivery)

    /// How many deliveries may be unsettled at once.
    func setPrefetch(_ prefetch: Int)

    /// Takes from a queue too. A queue that is taken from already is no error.
    func add(queue: String) async throws

    /// Takes from a queue no more.
    func cancel(queue: String) async throws

    /// The queues that are taken from.
    var queues: [String] { get }

    /// No further deliveries; those unsettled can still be settled.
    func stopFetching()

    /// The lease by which the broker's other users tell whether this worker lives; nil where the broker itself notices a death.
    var lease: WorkerLease? { get }

    /// The worker's lease is over, as its loop does not answer (true), or was renewed after all (false). In between others get
    /// its deliveries, and it gets none. Called from another thread than the worker's.
    func leaseLapsed(_ isOver: Bool)
}

extension CeleryBroker {
    var limitsAcknowledgementTime: Bool { false }
}

extension CeleryConsumer {
    var lease: WorkerLease? { nil }

    func leaseLapsed(_ isOver: Bool) {}

    /// One after the other.
    func settle(_ deliveries: [(delivery: Delivery, settlement: Settlement)]) async {
        for (delivery, settlement) in deliveries { await settle(delivery, as: settlement) }
    }

    /// There is none.
    func express(to results: any ResultStore) -> RedisBatchAck? { nil }
}

/// A message that a worker has got and not settled yet.
struct Delivery: Sendable, Hashable {
    /// Names the delivery among those of all workers: Redis' delivery tag, which goes with the message to the next worker, or
    /// a name of ours for RabbitMQ, which does not.
    var tag: String
    var queue: String
    var task: BrokerMessage
    /// Whether the broker gave it to somebody before.
    var isRedelivered = false
}

/// What becomes of a delivery.
enum Settlement: Sendable, Hashable {
    /// Done with.
    case acknowledged
    /// Refused for good.
    case rejected
    /// Back to its queue, to be given to anybody.
    case returned
    /// Not before a time (milliseconds since 1970): a message with an eta.
    case postponed(until: Int64)
}

/// Who a worker is.
struct WorkerIdentity: Sendable, Hashable {
    /// The node's name, `dash@host`, which people and Celery's tools use.
    var node: String
    /// This run of the worker: the node's name and random digits, so that a successor of the same name is another one.
    var id: String
}

/// Where messages go through, for `stats`.
struct BrokerInformation: Sendable, Hashable {
    var transport: String
    var hostname: String
    var port: Int
    var userID: String?
    var virtualHost: String
    var usesTLS = false
}

/// A message as a broker carries it, whatever the broker: headers, the body's bytes and what stands beside them.
///
/// A message is kept as it came, so that it can go back to its queue unchanged.
struct BrokerMessage: Sendable, Hashable {
    /// The headers, an object; empty for protocol 1.
    var headers = JSONObject()
    /// The body, decoded from whatever the transport wraps it in, still compressed if it was.
    var body: [UInt8] = []
    var contentType: String? = "application/json"
    var contentEncoding: String? = "utf-8"
    /// The queue, or another routing key.
    var routingKey = ""
    var exchange = ""
    var priority = 0
    var correlationID: String?
    var replyTo: String?
    /// False for what may be lost at a restart of the broker: events, replies.
    var isPersistent = true
}

extension BrokerMessage {
    /// The task's id by the header or, where that is missing, by the correlation id, which Celery sets to the same;
    /// known also of messages that cannot be read, so that their failure can be told.
    var taskID: String? {
        if let id = headers["id"]?.stringValue, !id.isEmpty { return id }
        if let id = correlationID, !id.isEmpty { return id }
        return nil
    }

    /// The task's name by the header; nil for protocol 1, which has it in the body.
    var taskName: String? {
        guard let name = headers["task"]?.stringValue, !name.isEmpty else { return nil }
        return name
    }
}
