import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery
import Logging
import Support

/// One RabbitMQ connection, from login to loss. Used on its connection's thread only.
final class AMQPSession {
    private let logger: Logger
    private let arena = AMQPArena()
    private let state: amqp_connection_state_t
    /// Why the server does not accept messages at present; nil if it does.
    private(set) var blocked: String?
    private var openChannels: Set<UInt16> = []
    private var newestChannel = AMQPSession.scratchChannel
    private var assemblies: [UInt16: AMQPContentAssembly] = [:]

    /// The channel for operations that may fail, such as declarations; opened and closed each time.
    static let scratchChannel: UInt16 = 1

    /// Connects and logs in. Blocks for at most the timeout in the address.
    ///
    /// - Parameter name: The connection name that RabbitMQ shows.
    /// - Throws: `CeleryError`: `.unreachable`, `.refused`, `.option`.
    init(_ url: AMQPURL, name: String, logger: Logger) throws {
        guard let state = amqp_new_connection() else {
            throw CeleryError(.unreachable, "Out of memory: cannot connect to RabbitMQ.")
        }
        self.state = state
        self.logger = logger
        try open(url)
        try login(url, name: name)
    }

    deinit {
        amqp_destroy_connection(state)
    }

    func warn(_ text: Logger.Message) { logger.warning(text) }

    var socket: Int32 { amqp_get_sockfd(state) }

    /// The negotiated heartbeat interval, in seconds; 0 for none.
    var heartbeat: Int { Int(amqp_get_heartbeat(state)) }

    /// Whether one prefetch limit is set for a whole channel: for servers before RabbitMQ 4, which deprecates it.
    private(set) lazy var allowsChannelLimit: Bool = {
        let server = amqp_get_server_properties(state).map { AMQPTableReader.object($0.pointee) }
        let major = server?["version"]?.stringValue.flatMap { Int($0.prefix { $0 != "." }) }
        return (major ?? 0) < 4
    }()

    /// The number of an unused channel, the least recently used first.
    func freshChannelNumber() -> UInt16 {
        repeat {
            newestChannel = newestChannel < 2047 ? newestChannel + 1 : Self.scratchChannel + 1
        } while openChannels.contains(newestChannel) && openChannels.count < 2046
        openChannels.insert(newestChannel)
        return newestChannel
    }

    /// Sends a method and waits for the server's response.
    ///
    /// - Parameter method: Its arguments may be in the arena, which is reset afterwards.
    func call<Answer>(
        on channel: UInt16,
        _ method: (AMQPArena, amqp_connection_state_t) throws -> UnsafeMutablePointer<Answer>?
    ) throws {
        defer { arena.reset() }
        _ = try method(arena, state)
        try check(amqp_get_rpc_reply(state), channel)
    }

    /// Sends a method without a response.
    ///
    /// - Parameter method: Its arguments may be in the arena, which is reset afterwards.
    func send(_ method: (AMQPArena, amqp_connection_state_t) throws -> Int32) throws {
        defer { arena.reset() }
        let status = try method(arena, state)
        if status != AMQP_STATUS_OK.rawValue { throw AMQPClosed.lost(status) }
    }

    func close(channel: UInt16) throws {
        forget(channel: channel)
        try check(amqp_channel_close(state, channel, 200), channel)
    }

    private func check(_ reply: amqp_rpc_reply_t, _ channel: UInt16) throws {
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION: throw closed(by: reply.reply, channel: channel)
        default: throw AMQPClosed.lost(reply.library_error)
        }
    }

    /// Removes the state of a closed channel.
    private func forget(channel: UInt16) {
        assemblies[channel] = nil
        openChannels.remove(channel)
    }

    /// Holds back partial packets while many frames are sent.
    func cork(_ isCorked: Bool) {
        dash_amqp_cork(socket, isCorked.flag)
    }

    /// Closes the connection in order; the server receives everything sent before.
    ///
    /// - Parameter seconds: The timeout of the server's response, which does not come over a half-open connection.
    func close(within seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        amqp_set_rpc_timeout(state, &limit)
        amqp_connection_close(state, 200)
    }

    /// The next event; nil if none is available. Does not wait. Sends a heartbeat if one is due.
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
            return try assemblies[frame.channel, default: .init()].take(properties, size: Int(content.body_size))
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
        case AMQP_BASIC_DELIVER_METHOD:
            let it = method.decoded.load(as: amqp_basic_deliver_t.self)
            let (tag, number, isRedelivered) = (it.consumer_tag.text, it.delivery_tag, it.redelivered != 0)
            assemblies[channel, default: .init()].begin(exchange: it.exchange.text, routingKey: it.routing_key.text) {
                .delivered(AMQPDelivery(consumerTag: tag, number: number, isRedelivered: isRedelivered, task: $0))
            }
        case AMQP_BASIC_RETURN_METHOD:
            let it = method.decoded.load(as: amqp_basic_return_t.self)
            let reason = "\(it.reply_code) \(it.reply_text.text)"
            assemblies[channel, default: .init()].begin(exchange: it.exchange.text, routingKey: it.routing_key.text) {
                .returned($0, reason: reason)
            }
        case AMQP_BASIC_ACK_METHOD:
            let it = method.decoded.load(as: amqp_basic_ack_t.self)
            return .confirmed(it.delivery_tag, multiple: it.multiple != 0)
        case AMQP_BASIC_NACK_METHOD:
            let it = method.decoded.load(as: amqp_basic_nack_t.self)
            return .refused(it.delivery_tag, multiple: it.multiple != 0)
        case AMQP_BASIC_CANCEL_METHOD:
            return .consumerCancelled(tag: method.decoded.load(as: amqp_basic_cancel_t.self).consumer_tag.text)
        default:
            try note(method, channel: channel)
        }
        return nil
    }

    /// Handles methods that concern the connection or a channel as a whole.
    private func note(_ method: amqp_method_t, channel: UInt16) throws {
        switch method.id {
        case AMQP_CONNECTION_BLOCKED_METHOD:
            blocked = method.decoded.load(as: amqp_connection_blocked_t.self).reason.text
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
            blocked = nil
        case AMQP_CHANNEL_CLOSE_METHOD, AMQP_CONNECTION_CLOSE_METHOD:
            throw closed(by: method, channel: channel)
        default:
            break
        }
    }

    /// Confirms that the server closed a channel or the connection, and returns the error.
    private func closed(by method: amqp_method_t, channel: UInt16) -> AMQPClosed {
        if method.id == AMQP_CHANNEL_CLOSE_METHOD {
            let it = method.decoded.load(as: amqp_channel_close_t.self)
            forget(channel: channel)
            var answer = amqp_channel_close_ok_t()
            amqp_send_method(state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &answer)
            return .closed(channel: channel, code: Int(it.reply_code), text: it.reply_text.text)
        }
        let it = method.decoded.load(as: amqp_connection_close_t.self)
        let (code, text) = (Int(it.reply_code), it.reply_text.text)
        var answer = amqp_connection_close_ok_t()
        amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &answer)
        return .closed(code: code, text: text)
    }
}

// MARK: - Login

extension AMQPSession {
    private func open(_ url: AMQPURL) throws {
        var limit = timeval(tv_sec: url.connectTimeout, tv_usec: 0)
        amqp_set_handshake_timeout(state, &limit)
        let socket = try url.tls.map { try secureSocket($0) } ?? amqp_tcp_socket_new(state)
        let status = amqp_socket_open_noblock(socket, url.host, Int32(url.port), &limit)
        guard status == AMQP_STATUS_OK.rawValue else { throw Self.unreachable(url, status) }
        // Generous, because a busy server responds slowly; a dead one is detected by the heartbeat.
        limit.tv_sec = 30
        amqp_set_rpc_timeout(state, &limit)
    }

    private func secureSocket(_ tls: AMQPTLS) throws -> OpaquePointer? {
        let socket = amqp_ssl_socket_new(state)
        amqp_ssl_socket_set_verify_peer(socket, tls.verifies.flag)
        amqp_ssl_socket_set_verify_hostname(socket, tls.verifies.flag)
        amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST)
        if tls.verifies {
            guard let file = tls.authoritiesFile, amqp_ssl_socket_set_cacert(socket, file) == 0 else {
                throw AMQPURL.error("uses TLS, and its CA file (cacert) cannot be read")
            }
        }
        guard let certificate = tls.certificate else { return socket }
        guard amqp_ssl_socket_set_key(socket, certificate, tls.key ?? certificate) == 0 else {
            throw AMQPURL.error("names an unreadable certificate or key (cert, key)")
        }
        return socket
    }

    private func login(_ url: AMQPURL, name: String) throws {
        defer { arena.reset() }
        var properties = try arena.table(Self.clientProperties(name))
        let heartbeat = Int32(url.heartbeat)
        let reply = dash_amqp_login(state, url.virtualHost, heartbeat, &properties, url.user, url.password)
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION where reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD:
            let close = reply.reply.decoded.load(as: amqp_connection_close_t.self)
            throw CeleryError(.refused, "RabbitMQ at \(url) refused the login: \(close.reply_text.text)")
        default: throw Self.unreachable(url, reply.library_error)
        }
    }

    private static func clientProperties(_ name: String) -> JSONObject {
        [
            "product": "dash-swift",
            "connection_name": .string(name),
            "capabilities": [
                "consumer_cancel_notify": true, "connection.blocked": true, "authentication_failure_close": true,
                "publisher_confirms": true, "basic.nack": true,
            ],
        ]
    }

    private static func unreachable(_ url: AMQPURL, _ status: Int32) -> CeleryError {
        let question =
            url.tls == nil ? "and is the address correct?" : "is this its TLS port, and are the certificates correct?"
        return CeleryError(
            .unreachable,
            "RabbitMQ at \(url) cannot be reached: \(AMQPClosed.words(status)). Is it running, \(question)"
        )
    }
}

/// The TLS options of a RabbitMQ connection. By default the server's certificate and host name are verified.
struct AMQPTLS: Sendable, Hashable {
    /// The file of the trusted CAs (PEM); nil for the system's.
    var authorities: String?
    /// The file of the client certificate (PEM).
    var certificate: String?
    /// The file of the client certificate's key (PEM).
    var key: String?
    var verifies = true

    /// Applies an option of an address; returns false if it is not a TLS option.
    mutating func take(option name: String, value: String) throws -> Bool {
        switch name {
        case "cacert", "cacertfile", "ssl_ca_certs": authorities = value
        case "cert", "certfile", "ssl_certfile": certificate = value
        case "key", "keyfile", "ssl_keyfile": key = value
        case "verify", "ssl_cert_reqs":
            switch value.lowercased() {
            case "none", "verify_none", "cert_none": verifies = false
            case "peer", "verify_peer", "cert_required", "required": verifies = true
            default: throw AMQPURL.error("has an invalid \(name); use peer or none")
            }
        default: return false
        }
        return true
    }

    /// The CA file to use: the given one or the system's.
    var authoritiesFile: String? {
        authorities ?? Self.systemFiles.first { access($0, R_OK) == 0 }
    }

    private static var systemFiles: [String] {
        let named = getenv("SSL_CERT_FILE").map { String(cString: $0) }
        return (named.map { [$0] } ?? []) + [
            "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
        ]
    }
}
