import CRabbitMQ
import DashJSON

/// One connection to RabbitMQ, from login to loss. Used on its connection's thread only.
final class AMQPSession {
    let arena = AMQPArena()
    let state: amqp_connection_state_t
    /// The server's version, 3 for 3.10.8; 0 if it does not say.
    let serverVersion: Int
    /// Why the server takes no messages at the moment; nil if it does.
    private(set) var blocked: String?
    private var openChannels: Set<UInt16> = []
    private var newestChannel = AMQPSession.scratchChannel
    private var assemblies: [UInt16: AMQPContentAssembly] = [:]

    /// The channel for what may fail, such as declarations: opened and closed each time.
    static let scratchChannel: UInt16 = 1

    /// Takes over a connection that is logged in.
    init(_ state: amqp_connection_state_t) {
        self.state = state
        let server = amqp_get_server_properties(state).map { JSONObject($0.pointee) }
        serverVersion = server?["version"]?.stringValue.flatMap { Int($0.prefix { $0 != "." }) } ?? 0
    }

    deinit {
        amqp_destroy_connection(state)
    }

    var socket: Int32 { amqp_get_sockfd(state) }

    /// Seconds between signs of life, as both ends agreed; 0 for none.
    var heartbeat: Int { Int(amqp_get_heartbeat(state)) }

    /// The number of a channel that was not open yet, or not for long.
    func freshChannelNumber() -> UInt16 {
        repeat {
            newestChannel = newestChannel < 2047 ? newestChannel + 1 : Self.scratchChannel + 1
        } while openChannels.contains(newestChannel) && openChannels.count < 2046
        openChannels.insert(newestChannel)
        return newestChannel
    }

    /// A channel is closed.
    func forget(channel: UInt16) {
        assemblies[channel] = nil
        openChannels.remove(channel)
    }

    /// Holds back packets that are not full while many frames are sent.
    func cork(_ isCorked: Bool) {
        dash_amqp_cork(socket, isCorked ? 1 : 0)
    }

    /// Says goodbye; what was sent before is received by the server before that.
    ///
    /// - Parameter seconds: How long to wait for the server's answer: over a half-open connection none comes.
    func close(within seconds: Int) {
        var limit = timeval()
        limit.tv_sec = seconds
        amqp_set_rpc_timeout(state, &limit)
        amqp_connection_close(state, 200)
    }

    /// What the server said next; nil if it said nothing. Does not wait. Sends a sign of life if one is due.
    ///
    /// - Throws: `AMQPClosed`.
    func nextEvent() throws -> (channel: UInt16, event: AMQPEvent)? {
        while true {
            var frame = amqp_frame_t()
            var noTime = timeval()
            let status = amqp_simple_wait_frame_noblock(state, &frame, &noTime)
            if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            guard status == AMQP_STATUS_OK.rawValue else { throw AMQPClosed.lost(status) }
            defer { amqp_maybe_release_buffers_on_channel(state, frame.channel) }
            if let event = try event(of: frame) { return (frame.channel, event) }
        }
    }

    private func event(of frame: amqp_frame_t) throws -> AMQPEvent? {
        switch Int32(frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return try event(of: frame.payload.method, channel: frame.channel)
        case AMQP_FRAME_HEADER:
            let content = frame.payload.properties
            let properties = content.decoded.load(as: amqp_basic_properties_t.self)
            return try assemblies[frame.channel, default: .init()].take(size: Int(content.body_size)) {
                RawTask(properties, exchange: $0.exchange, routingKey: $0.routingKey)
            }
        case AMQP_FRAME_BODY:
            let piece = frame.payload.body_fragment
            return try assemblies[frame.channel, default: .init()]
                .take(body: UnsafeRawBufferPointer(start: piece.bytes, count: piece.len))
        default:
            return nil
        }
    }

    private func event(of method: amqp_method_t, channel: UInt16) throws -> AMQPEvent? {
        switch method.id {
        case AMQPMethod.basicDeliver:
            let it = method.decoded.load(as: amqp_basic_deliver_t.self)
            assemblies[channel, default: .init()].begin(
                .deliver(
                    consumerTag: it.consumer_tag.text,
                    number: it.delivery_tag,
                    isRedelivered: it.redelivered != 0,
                    exchange: it.exchange.text,
                    routingKey: it.routing_key.text
                )
            )
        case AMQPMethod.basicReturn:
            let it = method.decoded.load(as: amqp_basic_return_t.self)
            let reason = "\(it.reply_code) \(it.reply_text.text)"
            let method = AMQPContentAssembly.Method.returned(
                reason: reason,
                exchange: it.exchange.text,
                routingKey: it.routing_key.text
            )
            assemblies[channel, default: .init()].begin(method)
        case AMQPMethod.basicAck:
            let it = method.decoded.load(as: amqp_basic_ack_t.self)
            return .confirmed(it.delivery_tag, multiple: it.multiple != 0)
        case AMQPMethod.basicNack:
            let it = method.decoded.load(as: amqp_basic_nack_t.self)
            return .refused(it.delivery_tag, multiple: it.multiple != 0)
        case AMQPMethod.basicCancel:
            return .consumerCancelled(tag: method.decoded.load(as: amqp_basic_cancel_t.self).consumer_tag.text)
        default:
            try note(method, channel: channel)
        }
        return nil
    }

    /// What concerns the connection or a channel as a whole.
    private func note(_ method: amqp_method_t, channel: UInt16) throws {
        switch method.id {
        case AMQPMethod.connectionBlocked:
            blocked = method.decoded.load(as: amqp_connection_blocked_t.self).reason.text
        case AMQPMethod.connectionUnblocked:
            blocked = nil
        case AMQPMethod.channelClose, AMQPMethod.connectionClose:
            throw closed(by: method, channel: channel)
        default:
            break
        }
    }

    /// Answers the server's closing of a channel or of the connection and tells it as an error.
    func closed(by method: amqp_method_t, channel: UInt16) -> AMQPClosed {
        if method.id == AMQPMethod.channelClose {
            let it = method.decoded.load(as: amqp_channel_close_t.self)
            forget(channel: channel)
            var answer = amqp_channel_close_ok_t()
            amqp_send_method(state, channel, AMQPMethod.channelCloseOK, &answer)
            return .channel(channel, code: Int(it.reply_code), text: it.reply_text.text)
        }
        let it = method.decoded.load(as: amqp_connection_close_t.self)
        let (code, text) = (Int(it.reply_code), it.reply_text.text)
        var answer = amqp_connection_close_ok_t()
        amqp_send_method(state, 0, AMQPMethod.connectionCloseOK, &answer)
        return .connection(AMQPClosed.error(code: code, text: text))
    }
}

/// The numbers of AMQP's methods that are used here: class and method.
enum AMQPMethod {
    static let connectionClose: UInt32 = 10 << 16 | 50
    static let connectionCloseOK: UInt32 = 10 << 16 | 51
    static let connectionBlocked: UInt32 = 10 << 16 | 60
    static let connectionUnblocked: UInt32 = 10 << 16 | 61
    static let channelClose: UInt32 = 20 << 16 | 40
    static let channelCloseOK: UInt32 = 20 << 16 | 41
    static let basicCancel: UInt32 = 60 << 16 | 30
    static let basicReturn: UInt32 = 60 << 16 | 50
    static let basicDeliver: UInt32 = 60 << 16 | 60
    static let basicAck: UInt32 = 60 << 16 | 80
    static let basicNack: UInt32 = 60 << 16 | 120
}
