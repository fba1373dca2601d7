import CRabbitMQ
import DashJSON

extension AMQPSession {
    /// Connects and logs in. Waits, for as long as the address allows.
    ///
    /// - Parameter name: What the connection is called in RabbitMQ's lists.
    /// - Throws: `CeleryError`: `.unreachable`, `.refused`, `.option`.
    static func connect(to url: AMQPURL, name: String) throws -> AMQPSession {
        guard let state = amqp_new_connection() else {
            throw CeleryError(.unreachable, "There is no memory to connect.")
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
        // Answers to declarations; a busy server takes its time, a dead one is noticed by the heartbeat.
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
                throw AMQPURL.error("uses TLS, and its file of authorities (cacert) cannot be read")
            }
        }
        guard let certificate = tls.certificate else { return socket }
        guard amqp_ssl_socket_set_key(socket, certificate, tls.key ?? certificate) == 0 else {
            throw AMQPURL.error("names a certificate or key (cert, key) that cannot be read")
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
            throw CeleryError(.refused, "RabbitMQ at \(url) refuses: \(close.reply_text.text)")
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
            url.tls == nil ? "and is the address right?" : "is this its TLS port, and are the certificates right?"
        return CeleryError(
            .unreachable,
            "RabbitMQ at \(url) cannot be reached: \(AMQPClosed.words(status)). Is it running, \(question)"
        )
    }
}
