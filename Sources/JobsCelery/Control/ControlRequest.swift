import DashJSON

/// Something that somebody asks of the workers, the body of a message of the exchange `celery.pidbox`.
struct ControlRequest: Sendable, Hashable {
    var method: String
    var arguments = JSONObject()
    /// The nodes that are meant; empty are all.
    var destination: [String] = []
    /// The nodes that are meant, as a pattern.
    var pattern: String?
    /// How the pattern is written: `glob` or `pcre`.
    var matcher: String?
    /// What an answer carries so that the asker knows it.
    var ticket: JSON?
    /// Where an answer goes; nil if none is wanted.
    var replyTo: ReplyAddress?
    /// The asker's clock.
    var clock = 0

    /// Where answers go.
    struct ReplyAddress: Sendable, Hashable {
        var exchange: String
        var routingKey: String
    }

    /// The same with a place for answers of its own.
    func answered(at routingKey: String) -> ControlRequest {
        var request = self
        request.replyTo = ReplyAddress(exchange: "reply.celery.pidbox", routingKey: routingKey)
        request.ticket = .string(routingKey)
        return request
    }
}

extension ControlRequest {
    /// Reads a request.
    ///
    /// - Throws: `CeleryError.malformed` if it is none.
    init(_ message: RawTask) throws {
        guard let body = try? JSON(parsing: message.body), let method = body["method"].stringValue else {
            throw CeleryError(.malformed, "What was sent to the workers names no method.")
        }
        self.method = method
        arguments = body["arguments"].objectValue ?? JSONObject()
        destination = body["destination"].orElements.compactMap(\.stringValue)
        pattern = body["pattern"].stringValue
        matcher = body["matcher"].stringValue
        ticket = body.objectValue?["ticket"]
        replyTo = ReplyAddress(body["reply_to"])
        clock = message.headers["clock"]?.intValue ?? 0
    }

    /// Whether a node is meant: it is in the list, or the pattern fits, or everybody is.
    func concerns(_ node: String) -> Bool {
        if !destination.isEmpty { return destination.contains(node) }
        guard let pattern, !pattern.isEmpty, let matcher, !matcher.isEmpty else { return true }
        switch matcher {
        case "glob": return Glob.matches(pattern, node)
        case "pcre": return (try? Regex(pattern).prefixMatch(in: node)) != nil
        default: return false
        }
    }

    /// The message to all workers.
    func message(expires: Double = 0) -> RawTask {
        var body: JSONObject = [
            "method": .string(method), "arguments": .object(arguments),
            "destination": destination.isEmpty ? .null : .array(destination.map { .string($0) }),
            "pattern": .string(orNull: pattern), "matcher": .string(orNull: matcher),
        ]
        if let replyTo {
            body["ticket"] = ticket ?? .null
            body["reply_to"] = [
                "exchange": .string(replyTo.exchange), "routing_key": .string(replyTo.routingKey),
            ]
        }
        return RawTask(
            headers: ["clock": .int(clock), "expires": .double(expires)],
            body: body.jsonBytes(),
            exchange: "celery.pidbox"
        )
    }

    /// The answer of a node; nil if none is wanted: then no clock goes forward.
    func reply(of node: String, _ value: JSON, clock: @autoclosure () -> Int) -> RawTask? {
        replyTo.map { address in
            RawTask(
                headers: ["ticket": ticket ?? .null, "clock": .int(clock())],
                body: JSONObject([(node, value)]).jsonBytes(),
                routingKey: address.routingKey,
                exchange: address.exchange,
                isPersistent: false
            )
        }
    }
}

extension ControlRequest.ReplyAddress {
    /// Nil if it is none.
    init?(_ json: JSON) {
        guard let exchange = json["exchange"].stringValue, let key = json["routing_key"].stringValue else { return nil }
        self.init(exchange: exchange, routingKey: key)
    }
}
