import DashJSON

@testable import CeleryProtocol

extension BrokerMessage {
    init(
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
        self.init()
        (self.headers, self.body, self.contentType, self.contentEncoding) = (
            headers, body, contentType, contentEncoding
        )
        (self.routingKey, self.exchange, self.priority) = (routingKey, exchange, priority)
        (self.correlationID, self.replyTo, self.isPersistent) = (correlationID, replyTo, isPersistent)
    }
}
