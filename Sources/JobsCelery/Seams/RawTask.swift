import DashJSON

/// A message as a broker carries it, whatever the broker: headers, the body's bytes and what stands beside them.
///
/// A message is kept as it came, so that it can go back to its queue unchanged.
struct RawTask: Sendable, Hashable {
    /// The headers, an object; empty for protocol 1.
    var headers = JSONObject()
    /// The body, decoded from whatever the transport wraps it in, still compressed if it was.
    var body: [UInt8] = []
    var contentType: String? = "application/json"
    var contentEncoding: String? = "utf-8"
    /// The queue, or another routing key.
    var routingKey = ""
    var exchange = ""
    var priority = 0
    var correlationID: String?
    var replyTo: String?
    /// False for what may be lost at a restart of the broker: events, replies.
    var isPersistent = true
}
