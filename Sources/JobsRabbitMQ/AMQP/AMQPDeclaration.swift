import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery
import Logging

/// A required exchange, queue or binding. Declaring an existing one with the same arguments has no effect.
enum AMQPDeclaration: Sendable, Hashable {
    case exchange(String, kind: String, isDurable: Bool)
    /// A queue that is not durable is exclusive to its connection and deleted with its last consumer.
    case queue(String, isDurable: Bool, arguments: JSONObject = [:])
    case binding(queue: String, exchange: String, key: String)
}

extension AMQPSession {
    /// Runs `body` on a temporary channel, because the server closes the channel of a refused operation.
    private func onScratchChannel(_ body: (AMQPChannel) throws -> Void) throws {
        let channel = AMQPChannel(session: self, number: Self.scratchChannel)
        try channel.open()
        try body(channel)
        try channel.close()
    }

    /// Checks that an exchange exists.
    ///
    /// - Throws: `AMQPClosed` if it does not.
    func expect(exchange name: String) throws {
        try onScratchChannel { try $0.declare(.exchange(name, kind: "", isDurable: false), isPassive: true) }
    }

    /// The number of messages waiting in a queue; 0 if it does not exist.
    func messages(in queue: String) throws -> Int {
        var count = 0
        do {
            try onScratchChannel { count = try $0.declare(.queue(queue, isDurable: true), isPassive: true) }
        } catch let closed as AMQPClosed where closed.code == 404 {}
        return count
    }

    /// Declares all. Anything that exists with other arguments is used unchanged; each difference is logged.
    ///
    /// - Throws: `AMQPClosed`.
    func declare(_ declarations: [AMQPDeclaration]) throws {
        var rest = declarations[...]
        while !rest.isEmpty {
            do {
                try onScratchChannel { channel in
                    while let next = rest.first {
                        try channel.declare(next)
                        rest = rest.dropFirst()
                    }
                }
            } catch let closed as AMQPClosed where closed.code == 406 {
                guard let existing = rest.popFirst() else { continue }
                try onScratchChannel { try $0.declare(existing, isPassive: true) }
                warn("\(closed.text). Using it unchanged; declare it with the same arguments on both sides.")
            }
        }
    }
}

extension AMQPChannel {
    /// - Parameter isPassive: Only checks that it exists.
    /// - Returns: The number of messages waiting in a queue.
    @discardableResult
    fileprivate func declare(_ declaration: AMQPDeclaration, isPassive: Bool = false) throws -> Int {
        let passive = isPassive.flag
        var count: UInt32 = 0
        switch declaration {
        case .exchange(let name, let kind, let isDurable):
            try call { arena, state in
                let (name, kind) = (arena.bytes(name), arena.bytes(kind))
                let durable = isDurable.flag
                return amqp_exchange_declare(state, number, name, kind, passive, durable, 0, 0, amqp_empty_table)
            }
        case .queue(let name, let isDurable, let arguments):
            try call { arena, state in
                let (name, table) = (arena.bytes(name), try arena.table(arguments))
                let (durable, own) = (isDurable.flag, (!isDurable).flag)
                let answer = amqp_queue_declare(state, number, name, passive, durable, own, own, table)
                count = answer?.pointee.message_count ?? 0
                return answer
            }
        case .binding(let queue, let exchange, let key):
            try call { arena, state in
                let (queue, exchange, key) = (arena.bytes(queue), arena.bytes(exchange), arena.bytes(key))
                return amqp_queue_bind(state, number, queue, exchange, key, amqp_empty_table)
            }
        }
        return Int(count)
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
    private var event: ((BrokerMessage) -> AMQPEvent)?
    private var task = BrokerMessage()
    private var missing = 0

    /// - Parameter event: Returns the event of the complete message.
    mutating func begin(exchange: String, routingKey: String, event: @escaping (BrokerMessage) -> AMQPEvent) {
        self.event = event
        (task.exchange, task.routingKey) = (exchange, routingKey)
    }

    /// Takes the properties; returns the event if the body is empty.
    mutating func take(_ properties: amqp_basic_properties_t, size: Int) throws -> AMQPEvent? {
        if event == nil { throw CeleryError(.malformed, "RabbitMQ sent unexpected message properties.") }
        task.set(properties)
        task.body.reserveCapacity(size)
        missing = size
        return finished()
    }

    /// Takes a fragment of the body; returns the event if it was the last.
    mutating func take(body: UnsafeRawBufferPointer) throws -> AMQPEvent? {
        guard event != nil, body.count <= missing else {
            throw CeleryError(.malformed, "RabbitMQ sent an unexpected message body.")
        }
        task.body.append(contentsOf: body)
        missing -= body.count
        return finished()
    }

    private mutating func finished() -> AMQPEvent? {
        guard missing == 0 else { return nil }
        defer { self = Self() }
        return event?(task)
    }
}

/// A channel or the whole connection was closed.
struct AMQPClosed: Error {
    /// The channel that the server closed because it refused an operation; nil for the whole connection.
    var channel: UInt16?
    /// AMQP's reply code.
    var code = 0
    var text = ""
    /// The error for callers.
    var error: CeleryError

    /// The server closed a channel or the connection.
    static func closed(channel: UInt16? = nil, code: Int, text: String) -> AMQPClosed {
        let error =
            switch code {
            case 403, 530: CeleryError(.refused, "RabbitMQ refused access: \(text)")
            case 320: CeleryError(.connectionLost, "RabbitMQ closed the connection: \(text)")
            default: CeleryError(.server, "RabbitMQ returned an error: \(text)")
            }
        return AMQPClosed(channel: channel, code: code, text: text, error: error)
    }

    /// A lost connection, by librabbitmq's status.
    static func lost(_ status: Int32) -> AMQPClosed {
        AMQPClosed(error: CeleryError(.connectionLost, "The connection to RabbitMQ was lost: \(words(status))."))
    }

    /// The description of a librabbitmq status.
    static func words(_ status: Int32) -> String {
        if status == AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue { return "two heartbeats were missed" }
        return String(cString: amqp_error_string2(status))
    }
}
