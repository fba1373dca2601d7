import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery
import Support

/// One RabbitMQ connection, from login to loss. Used on its connection's thread only.
final class AMQPSession {
    private let arena = AMQPArena()
    private let state: amqp_connection_state_t
    /// The server's major version, 3 for 3.10.8; 0 if unknown.
    private let serverVersion: Int
    /// Why the server does not accept messages at present; nil if it does.
    private(set) var blocked: String?
    private var openChannels: Set<UInt16> = []
    private var newestChannel = AMQPSession.scratchChannel
    private var assemblies: [UInt16: AMQPContentAssembly] = [:]

    /// The channel for operations that may fail, such as declarations; opened and closed each time.
    static let scratchChannel: UInt16 = 1

    /// Takes ownership of a logged-in connection.
    init(_ state: amqp_connection_state_t) {
        self.state = state
        let server = amqp_get_server_properties(state).map { AMQPTableReader.object($0.pointee) }
        serverVersion = server?["version"]?.stringValue.flatMap { Int($0.prefix { $0 != "." }) } ?? 0
    }

    deinit {
        amqp_destroy_connection(state)
    }

    var socket: Int32 { amqp_get_sockfd(state) }

    /// The negotiated heartbeat interval, in seconds; 0 for none.
    var heartbeat: Int { Int(amqp_get_heartbeat(state)) }

    /// Whether one prefetch limit is set for a whole channel: for servers before RabbitMQ 4, which deprecates it.
    var allowsChannelLimit: Bool { serverVersion < 4 }

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
        dash_amqp_cork(socket, isCorked ? 1 : 0)
    }

    /// Closes the connection in order; the server receives everything sent before.
    ///
    /// - Parameter seconds: The timeout of the server's response, which does not come over a half-open connection.
    func close(within seconds: Int) {
        var limit = timeval()
        limit.tv_sec = seconds
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
            return try assemblies[frame.channel, default: .init()].take(size: Int(content.body_size)) {
                BrokerMessage(properties, exchange: $0.exchange, routingKey: $0.routingKey)
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

    /// Handles methods that concern the connection or a channel as a whole.
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

    /// Confirms that the server closed a channel or the connection, and returns the error.
    private func closed(by method: amqp_method_t, channel: UInt16) -> AMQPClosed {
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

/// AMQP's method numbers: class and method.
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

// MARK: - Login

extension AMQPSession {
    /// Connects and logs in. Blocks for at most the timeout in the address.
    ///
    /// - Parameter name: The connection name that RabbitMQ shows.
    /// - Throws: `CeleryError`: `.unreachable`, `.refused`, `.option`.
    static func connect(to url: AMQPURL, name: String) throws -> AMQPSession {
        guard let state = amqp_new_connection() else {
            throw CeleryError(.unreachable, "Out of memory: cannot connect to RabbitMQ.")
        }
        do {
            try open(state, url)
            try login(state, url, name: name)
        } catch {
            amqp_destroy_connection(state)
            throw error
        }
        return AMQPSession(state)
    }

    private static func open(_ state: amqp_connection_state_t, _ url: AMQPURL) throws {
        var limit = timeval()
        limit.tv_sec = url.connectTimeout
        amqp_set_handshake_timeout(state, &limit)
        let socket = try url.tls.map { try secureSocket(state, $0) } ?? amqp_tcp_socket_new(state)
        let status = amqp_socket_open_noblock(socket, url.host, Int32(url.port), &limit)
        guard status == AMQP_STATUS_OK.rawValue else { throw unreachable(url, status) }
        // Generous, because a busy server responds slowly; a dead one is detected by the heartbeat.
        limit.tv_sec = 30
        amqp_set_rpc_timeout(state, &limit)
    }

    private static func secureSocket(_ state: amqp_connection_state_t, _ tls: AMQPTLS) throws -> OpaquePointer? {
        let socket = amqp_ssl_socket_new(state)
        amqp_ssl_socket_set_verify_peer(socket, tls.verifies ? 1 : 0)
        amqp_ssl_socket_set_verify_hostname(socket, tls.verifies ? 1 : 0)
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

    private static func login(_ state: amqp_connection_state_t, _ url: AMQPURL, name: String) throws {
        let arena = AMQPArena()
        var writer = AMQPTableWriter(into: arena)
        var properties = try writer.table(clientProperties(name))
        let reply = dash_amqp_login(
            state,
            url.virtualHost,
            Int32(url.heartbeat),
            &properties,
            url.user,
            url.password
        )
        switch reply.reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION where reply.reply.id == AMQPMethod.connectionClose:
            let close = reply.reply.decoded.load(as: amqp_connection_close_t.self)
            throw CeleryError(.refused, "RabbitMQ at \(url) refused the login: \(close.reply_text.text)")
        default: throw unreachable(url, reply.library_error)
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
    mutating func take(option name: Substring, value: String) throws -> Bool {
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

/// A monotonic clock in milliseconds, for deadlines within this process.
enum AMQPClock {
    private static let start = ContinuousClock.now

    static var now: Int64 {
        let passed = (ContinuousClock.now - start).components
        return passed.seconds * 1000 + passed.attoseconds / 1_000_000_000_000_000
    }
}
