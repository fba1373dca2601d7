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

    package init() {}
}

extension BrokerMessage {
    /// The task's ID from the header or else the correlation ID, to which Celery sets the same value. Available even
    /// for unreadable messages, so that their failure can be reported.
    package var taskID: String? {
        [headers["id"]?.stringValue, correlationID].lazy.compactMap { $0 }.first { !$0.isEmpty }
    }

    /// The task's name from the header; nil for protocol 1, which has it in the body.
    package var taskName: String? {
        headers["task"]?.stringValue.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether it is a job with a record. A job whose result goes to a queue (`rpc://`) has none.
    package var hasRecord: Bool { (replyTo ?? "").isEmpty && headers["dash"] != nil }
}
