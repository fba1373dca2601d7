package import DashJSON

/// A message in the form common to all brokers. It is kept unchanged, so that it can be requeued.
package struct BrokerMessage: Sendable, Hashable {
    /// The headers; empty for protocol 1.
    package var headers = JSONObject()
    /// The body without the transport's encoding, but still compressed if it was.
    package var body: [UInt8] = []
    package var contentType: String? = "application/json"
    package var contentEncoding: String? = "utf-8"
    /// The queue, or another routing key.
    package var routingKey = ""
    package var exchange = ""
    package var priority = 0
    package var correlationID: String?
    package var replyTo: String?
    /// False if a restart of the broker may lose the message: events, replies.
    package var isPersistent = true

    package init(
        headers: JSONObject = JSONObject(),
        body: [UInt8] = [],
        contentType: String? = "application/json",
        contentEncoding: String? = "utf-8",
        routingKey: String = "",
        exchange: String = "",
        priority: Int = 0,
        correlationID: String? = nil,
        replyTo: String? = nil,
        isPersistent: Bool = true
    ) {
        self.headers = headers
        self.body = body
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.routingKey = routingKey
        self.exchange = exchange
        self.priority = priority
        self.correlationID = correlationID
        self.replyTo = replyTo
        self.isPersistent = isPersistent
    }
}

extension BrokerMessage {
    /// The task's ID from the header or else the correlation ID, to which Celery sets the same value. Available even
    /// for unreadable messages, so that their failure can be reported.
    package var taskID: String? {
        if let id = headers["id"]?.stringValue, !id.isEmpty { return id }
        if let id = correlationID, !id.isEmpty { return id }
        return nil
    }

    /// The task's name from the header; nil for protocol 1, which has it in the body.
    package var taskName: String? {
        guard let name = headers["task"]?.stringValue, !name.isEmpty else { return nil }
        return name
    }

    /// Whether it is a job with a record. A job whose result goes to a queue (`rpc://`) has none.
    package var hasRecord: Bool { (replyTo ?? "").isEmpty && headers["dash"] != nil }
}
