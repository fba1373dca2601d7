import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery

/// A required exchange, queue or binding. Declaring an existing one with the same arguments has no effect.
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
    /// Runs `body` on a temporary channel, because the server closes the channel of a refused operation.
    func onScratchChannel(_ body: (AMQPChannel) throws -> Void) throws {
        let channel = AMQPChannel(session: self, number: Self.scratchChannel)
        try channel.open()
        try body(channel)
        try channel.close()
    }

    /// Checks that an exchange exists.
    ///
    /// - Throws: `AMQPClosed.channel` if it does not.
    func expect(exchange name: String) throws {
        try onScratchChannel { try $0.declare(.exchange(name, kind: "", isDurable: false), isPassive: true) }
    }

    /// The number of messages waiting in a queue; 0 if it does not exist.
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

    /// Declares all. Anything that exists with other arguments is used unchanged.
    ///
    /// - Returns: A message for each difference.
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
                differences.append("\(text). Using it unchanged; declare it with the same arguments on both sides.")
            }
        }
        return differences
    }
}

extension AMQPChannel {
    /// - Parameter isPassive: Only checks that it exists.
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

/// An asynchronous event that the server sent on a channel.
enum AMQPEvent: Sendable, Hashable {
    /// A message for one of our consumers.
    case delivered(AMQPDelivery)
    /// A published `mandatory` message could not be routed to a queue, for the server's reason.
    case returned(BrokerMessage, reason: String)
    /// The server accepted a published message, or with `multiple` all up to it.
    case confirmed(UInt64, multiple: Bool)
    /// The server rejected a published message, or with `multiple` all up to it.
    case refused(UInt64, multiple: Bool)
    /// The server cancelled one of our consumers because its queue was deleted.
    case consumerCancelled(tag: String)
}

struct AMQPDelivery: Sendable, Hashable {
    var consumerTag: String
    /// The delivery tag, valid on this channel only.
    var number: UInt64
    var isRedelivered: Bool
    var task: BrokerMessage
}

/// Assembles a message from its frames: the method, the properties with the body's size, and the fragments of the body.
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

    /// Takes the properties; returns the event if the body is empty.
    mutating func take(size: Int, properties: (Method) -> BrokerMessage) throws -> AMQPEvent? {
        guard let method else { throw CeleryError(.malformed, "RabbitMQ sent unexpected message properties.") }
        task = properties(method)
        task.body.reserveCapacity(size)
        missing = size
        return finished()
    }

    /// Takes a fragment of the body; returns the event if it was the last.
    mutating func take(body: UnsafeRawBufferPointer) throws -> AMQPEvent? {
        guard method != nil, body.count <= missing else {
            throw CeleryError(.malformed, "RabbitMQ sent an unexpected message body.")
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

/// A channel or the whole connection was closed.
enum AMQPClosed: Error {
    /// The server refused an operation and closed its channel. The connection stays open.
    case channel(UInt16, code: Int, text: String)
    /// The connection was lost, refused or closed.
    case connection(CeleryError)

    /// A lost connection, by librabbitmq's status.
    static func lost(_ status: Int32) -> AMQPClosed {
        .connection(CeleryError(.connectionLost, "The connection to RabbitMQ was lost: \(words(status))."))
    }

    /// The description of a librabbitmq status.
    static func words(_ status: Int32) -> String {
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue { return "two heartbeats were missed" }
        return String(cString: amqp_error_string2(status))
    }

    /// The error for callers, by AMQP's reply code.
    static func error(code: Int, text: String) -> CeleryError {
        switch code {
        case 403, 530: CeleryError(.refused, "RabbitMQ refused access: \(text)")
        case 320: CeleryError(.connectionLost, "RabbitMQ closed the connection: \(text)")
        default: CeleryError(.server, "RabbitMQ returned an error: \(text)")
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
