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
