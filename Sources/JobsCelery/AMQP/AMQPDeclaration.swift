import CRabbitMQ
import DashJSON

/// An exchange, queue or binding that must be there. Declaring what is there with the same arguments changes nothing.
enum AMQPDeclaration: Sendable, Hashable {
    case exchange(String, kind: String, isDurable: Bool)
    case queue(
        String,
        isDurable: Bool,
        isExclusive: Bool = false,
        deletesItself: Bool = false,
        arguments: JSONObject = [:]
    )
    case binding(queue: String, exchange: String, key: String)
}

extension AMQPSession {
    /// Does something on a channel of its own, because the server closes the channel of what it refuses.
    func onScratchChannel(_ body: (AMQPChannel) throws -> Void) throws {
        let channel = AMQPChannel(session: self, number: Self.scratchChannel)
        try channel.open()
        try body(channel)
        try channel.close()
    }

    /// Asks whether an exchange is there.
    ///
    /// - Throws: `AMQPClosed.channel` if it is not.
    func expect(exchange name: String) throws {
        try onScratchChannel { try $0.declare(.exchange(name, kind: "", isDurable: false), isPassive: true) }
    }

    /// How many messages wait in a queue; none in one that is not there.
    func messages(in queue: String) throws -> Int {
        var count: UInt32 = 0
        do {
            try onScratchChannel { channel in
                try channel.call { arena, state in
                    let answer = amqp_queue_declare(
                        state,
                        channel.number,
                        arena.bytes(queue),
                        1,
                        0,
                        0,
                        0,
                        amqp_empty_table
                    )
                    count = answer?.pointee.message_count ?? 0
                    return answer
                }
            }
        } catch AMQPClosed.channel(_, code: 404, _) {}
        return Int(count)
    }

    /// Declares all. What exists with other arguments is used as it is.
    ///
    /// - Returns: a sentence for each that differs.
    /// - Throws: `AMQPClosed`.
    func declare(_ declarations: [AMQPDeclaration]) throws -> [String] {
        var differences: [String] = []
        var rest = declarations[...]
        while !rest.isEmpty {
            do {
                try onScratchChannel { channel in
                    while let next = rest.first {
                        try channel.declare(next)
                        rest = rest.dropFirst()
                    }
                }
            } catch AMQPClosed.channel(_, code: 406, let text) {
                guard let existing = rest.popFirst() else { continue }
                try onScratchChannel { try $0.declare(existing, isPassive: true) }
                differences.append("\(text). It is used as it is; declare it on both sides with the same arguments.")
            }
        }
        return differences
    }
}

extension AMQPChannel {
    /// - Parameter isPassive: Only asks whether it is there.
    fileprivate func declare(_ declaration: AMQPDeclaration, isPassive: Bool = false) throws {
        switch declaration {
        case .exchange(let name, let kind, let isDurable):
            try call { arena, state in
                amqp_exchange_declare(
                    state,
                    number,
                    arena.bytes(name),
                    arena.bytes(kind),
                    isPassive ? 1 : 0,
                    isDurable ? 1 : 0,
                    0,
                    0,
                    amqp_empty_table
                )
            }
        case .queue(let name, let isDurable, let isExclusive, let deletesItself, let arguments):
            try call { arena, state in
                var writer = AMQPTableWriter(into: arena)
                return amqp_queue_declare(
                    state,
                    number,
                    arena.bytes(name),
                    isPassive ? 1 : 0,
                    isDurable ? 1 : 0,
                    isExclusive ? 1 : 0,
                    deletesItself ? 1 : 0,
                    try writer.table(arguments)
                )
            }
        case .binding(let queue, let exchange, let key):
            try call { arena, state in
                amqp_queue_bind(
                    state,
                    number,
                    arena.bytes(queue),
                    arena.bytes(exchange),
                    arena.bytes(key),
                    amqp_empty_table
                )
            }
        }
    }
}

/// Something that the server said on a channel without being asked.
enum AMQPEvent: Sendable, Hashable {
    /// A message for one of our consumers.
    case delivered(AMQPDelivery)
    /// A message of ours that no queue wanted (`mandatory`), and the server's words.
    case returned(BrokerMessage, reason: String)
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
    var task: BrokerMessage
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
    private var task = BrokerMessage()
    private var missing = 0

    mutating func begin(_ method: Method) {
        self.method = method
    }

    /// Takes the properties; gives the event if there is no body to wait for.
    mutating func take(size: Int, properties: (Method) -> BrokerMessage) throws -> AMQPEvent? {
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

/// A channel or the whole connection is over.
enum AMQPClosed: Error {
    /// The server closed a channel: something on it was refused. The connection goes on.
    case channel(UInt16, code: Int, text: String)
    /// The connection is lost, refused, or closed.
    case connection(CeleryError)

    /// A status of librabbitmq as a lost connection.
    static func lost(_ status: Int32) -> AMQPClosed {
        .connection(CeleryError(.connectionLost, "The connection to RabbitMQ was lost: \(words(status))."))
    }

    /// What librabbitmq says of a status.
    static func words(_ status: Int32) -> String {
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue { return "no sign of life for two heartbeats" }
        return String(cString: amqp_error_string2(status))
    }

    /// The server's refusal as an error for callers.
    static func error(code: Int, text: String) -> CeleryError {
        switch code {
        case 403, 530: CeleryError(.refused, "RabbitMQ refuses: \(text)")
        case 320: CeleryError(.connectionLost, "RabbitMQ closed the connection: \(text)")
        default: CeleryError(.server, "RabbitMQ says no: \(text)")
        }
    }

    /// The error for callers.
    var error: CeleryError {
        switch self {
        case .channel(_, let code, let text): Self.error(code: code, text: text)
        case .connection(let error): error
        }
    }
}
