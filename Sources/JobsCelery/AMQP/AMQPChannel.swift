import CRabbitMQ
import DashJSON

/// A channel of a session. Used on the connection's thread only; what waits for the server's answer waits there.
///
/// All throw `AMQPClosed`.
struct AMQPChannel {
    let session: AMQPSession
    let number: UInt16

    func open() throws {
        try call { amqp_channel_open($0, number) }
    }

    func close() throws {
        session.forget(channel: number)
        try check(amqp_channel_close(session.state, number, 200))
    }

    /// From now on the server confirms each message of this channel.
    func confirmPublishes() throws {
        try call { amqp_confirm_select($0, number) }
    }

    /// At most so many deliveries unsettled, of the whole channel or of each consumer that starts from now on.
    func limit(to prefetch: Int, wholeChannel: Bool) throws {
        let count = UInt16(clamping: prefetch)
        try call { amqp_basic_qos($0, number, 0, count, wholeChannel ? 1 : 0) }
    }

    func consume(_ queue: String, tag: String, acknowledges: Bool) throws {
        try call { arena, state in
            amqp_basic_consume(
                state,
                number,
                arena.bytes(queue),
                arena.bytes(tag),
                0,
                acknowledges ? 0 : 1,
                0,
                amqp_empty_table
            )
        }
    }

    func cancel(tag: String) throws {
        try call { arena, state in amqp_basic_cancel(state, number, arena.bytes(tag)) }
    }

    /// Sends a message. Checks it first: what RabbitMQ's frames cannot hold is thrown as `CeleryError`, and nothing is sent.
    func publish(_ task: RawTask, mandatory: Bool) throws {
        defer { session.arena.reset() }
        try task.checkNames()
        let arena = session.arena
        var properties = try amqp_basic_properties_t(task, in: arena)
        let (exchange, key) = (arena.bytes(task.exchange), arena.bytes(task.routingKey))
        let status = task.body.withUnsafeBytes { body in
            let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            return amqp_basic_publish(session.state, number, exchange, key, mandatory ? 1 : 0, 0, &properties, bytes)
        }
        try check(status)
    }

    /// Settles a delivery, or (`multiple`) all up to it.
    func acknowledge(_ delivery: UInt64, multiple: Bool) throws {
        try check(amqp_basic_ack(session.state, number, delivery, multiple ? 1 : 0))
    }

    /// Refuses a delivery, for good or to be given to anybody.
    func reject(_ delivery: UInt64, requeue: Bool) throws {
        try check(amqp_basic_reject(session.state, number, delivery, requeue ? 1 : 0))
    }

    func call(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutableRawPointer?) throws {
        defer { session.arena.reset() }
        _ = try method(session.arena, session.state)
        try check(amqp_get_rpc_reply(session.state))
    }

    func call<Answer>(_ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutablePointer<Answer>?) throws {
        try call { arena, state in try method(arena, state).map { UnsafeMutableRawPointer($0) } }
    }

    private func call<Answer>(_ method: (amqp_connection_state_t) -> UnsafeMutablePointer<Answer>?) throws {
        try call { _, state in method(state) }
    }

    private func check(_ status: Int32) throws {
        if status != AMQP_STATUS_OK.rawValue { throw AMQPClosed.lost(status) }
    }

    private func check(_ reply: amqp_rpc_reply_t) throws {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw session.closed(by: reply.reply, channel: number)
        default: throw AMQPClosed.lost(reply.library_error)
        }
    }
}
