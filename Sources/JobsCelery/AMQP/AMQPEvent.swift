import DashJSON

/// Something that the server said on a channel without being asked.
enum AMQPEvent: Sendable, Hashable {
    /// A message for one of our consumers.
    case delivered(AMQPDelivery)
    /// A message of ours that no queue wanted (`mandatory`), and the server's words.
    case returned(RawTask, reason: String)
    /// The server has a message of ours, or (`multiple`) all up to it.
    case confirmed(UInt64, multiple: Bool)
    /// The server could not take a message of ours, or (`multiple`) all up to it.
    case refused(UInt64, multiple: Bool)
    /// The server ended one of our consumers: its queue is gone.
    case consumerCancelled(tag: String)
}

/// A message that was delivered.
struct AMQPDelivery: Sendable, Hashable {
    var consumerTag: String
    /// The broker's number of the delivery, on this channel only.
    var number: UInt64
    var isRedelivered: Bool
    var task: RawTask
}

/// Puts together what comes in several frames: the method, the properties with the body's size, the body in pieces.
struct AMQPContentAssembly {
    enum Method {
        case deliver(consumerTag: String, number: UInt64, isRedelivered: Bool, exchange: String, routingKey: String)
        case returned(reason: String, exchange: String, routingKey: String)

        var exchange: String {
            switch self {
            case .deliver(_, _, _, let exchange, _), .returned(_, let exchange, _): exchange
            }
        }

        var routingKey: String {
            switch self {
            case .deliver(_, _, _, _, let key), .returned(_, _, let key): key
            }
        }
    }

    private var method: Method?
    private var task = RawTask()
    private var missing = 0

    mutating func begin(_ method: Method) {
        self.method = method
    }

    /// Takes the properties; gives the event if there is no body to wait for.
    mutating func take(size: Int, properties: (Method) -> RawTask) throws -> AMQPEvent? {
        guard let method else { throw CeleryError(.malformed, "RabbitMQ sent properties of no message.") }
        task = properties(method)
        task.body.reserveCapacity(size)
        missing = size
        return finished()
    }

    /// Takes a piece of the body; gives the event if it was the last.
    mutating func take(body: UnsafeRawBufferPointer) throws -> AMQPEvent? {
        guard method != nil, body.count <= missing else {
            throw CeleryError(.malformed, "RabbitMQ sent a body of no message.")
        }
        task.body.append(contentsOf: body)
        missing -= body.count
        return finished()
    }

    private mutating func finished() -> AMQPEvent? {
        guard missing == 0, let method else { return nil }
        let task = self.task
        self = Self()
        switch method {
        case .deliver(let tag, let number, let isRedelivered, _, _):
            let delivery = AMQPDelivery(consumerTag: tag, number: number, isRedelivered: isRedelivered, task: task)
            return .delivered(delivery)
        case .returned(let reason, _, _):
            return .returned(task, reason: reason)
        }
    }
}
