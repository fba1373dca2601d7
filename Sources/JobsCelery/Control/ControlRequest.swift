import CeleryProtocol
package import DashJSON

/// A remote control request to workers, sent through the exchange `celery.pidbox`.
package struct ControlRequest: Sendable, Hashable {
    package var method: String
    package var arguments = JSONObject()
    /// The nodes addressed; empty for all.
    package var destination: [String] = []
    /// A pattern of the nodes addressed.
    package var pattern: String?
    /// The syntax of the pattern: `glob` or `pcre`.
    package var matcher: String?
    /// Identifies the request in its replies.
    package var ticket: JSON?
    /// The address of replies; nil for none.
    package var replyTo: ReplyAddress?
    /// The caller's logical clock.
    package var clock = 0

    package struct ReplyAddress: Sendable, Hashable {
        package var exchange: String
        package var routingKey: String
    }

    /// Returns a copy with a reply address and ticket.
    package func answered(at routingKey: String) -> ControlRequest {
        var request = self
        request.replyTo = ReplyAddress(exchange: "reply.celery.pidbox", routingKey: routingKey)
        request.ticket = .string(routingKey)
        return request
    }
}

extension ControlRequest {
    /// Reads a request.
    ///
    /// - Throws: `CeleryError.malformed` if it is invalid.
    package init(_ message: BrokerMessage) throws {
        guard let body = try? JSON(parsing: message.body), let method = body["method"].stringValue else {
            throw CeleryError(.malformed, "A remote control request has no method.")
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

    /// Whether the request addresses a node: by the list, by the pattern, or because it addresses all.
    package func concerns(_ node: String) -> Bool {
        if !destination.isEmpty { return destination.contains(node) }
        guard let pattern, !pattern.isEmpty, let matcher, !matcher.isEmpty else { return true }
        switch matcher {
        case "glob": return (try? Self.regex(glob: pattern).wholeMatch(in: node)) != nil
        case "pcre": return (try? Regex(pattern).prefixMatch(in: node)) != nil
        default: return false
        }
    }

    /// A shell pattern of `*`, `?`, `[a-z]` and `[!a-z]` as a regular expression.
    private static func regex(glob: String) throws -> Regex<AnyRegexOutput> {
        let escaped = glob.map { #"\^$.|+(){}&~"#.contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let parts = escaped.replacing("[!", with: "[^").replacing("?", with: ".")
            .split(separator: "*", omittingEmptySubsequences: false)
        let first = parts.first ?? ""
        guard let last = parts.dropFirst().last else { return try Regex(String(first)) }
        // Each part between two stars is matched at its first place for good, so that many stars take no longer.
        let inner = parts.dropFirst().dropLast().filter { !$0.isEmpty }.map { "(?>.*?\($0))" }.joined()
        return try Regex("\(first)\(inner).*\(last)")
    }

    /// The broadcast message.
    package func message(expires: Double = 0) -> BrokerMessage {
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
        var message = BrokerMessage()
        message.headers = ["clock": .int(clock), "expires": .double(expires)]
        message.body = body.jsonBytes()
        message.exchange = "celery.pidbox"
        return message
    }

    /// The reply of a node; nil, without advancing the clock, if no reply is wanted.
    package func reply(of node: String, _ value: JSON, clock: @autoclosure () -> Int) -> BrokerMessage? {
        guard let replyTo else { return nil }
        var message = BrokerMessage()
        message.headers = ["ticket": ticket ?? .null, "clock": .int(clock())]
        message.body = JSONObject([(node, value)]).jsonBytes()
        (message.exchange, message.routingKey) = (replyTo.exchange, replyTo.routingKey)
        message.isPersistent = false
        return message
    }
}

extension ControlRequest.ReplyAddress {
    package init?(_ json: JSON) {
        guard let exchange = json["exchange"].stringValue, let key = json["routing_key"].stringValue else { return nil }
        self.init(exchange: exchange, routingKey: key)
    }
}
