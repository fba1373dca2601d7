package import DashJSON
import Support

/// A message in the format that kombu, Celery's transport, writes to Redis: one JSON object with the body in base64.
package enum KombuEnvelope {
    /// - Parameter tag: The delivery tag. A redelivered message keeps it.
    package static func encode(_ task: BrokerMessage, tag: String = UniqueID.random().text) -> [UInt8] {
        var writer = JSONWriter(capacity: task.body.count * 4 / 3 + 1024)
        writer.object { envelope in
            envelope.member("body", Base64.encode(task.body))
            envelope.member("content-encoding", ifPresent: task.contentEncoding)
            envelope.member("content-type", ifPresent: task.contentType)
            envelope.member("headers", task.headers)
            envelope.member("properties") { writer in
                writer.object { properties in
                    properties.member("correlation_id", ifPresent: task.correlationID)
                    properties.member("reply_to", ifPresent: task.replyTo)
                    properties.member("delivery_mode", task.isPersistent ? 2 : 1)
                    properties.member("delivery_info") { writer in
                        writer.object { info in
                            info.member("exchange", task.exchange)
                            info.member("routing_key", task.routingKey)
                        }
                    }
                    properties.member("priority", task.priority)
                    properties.member("body_encoding", "base64")
                    properties.member("delivery_tag", tag)
                }
            }
        }
        return writer.bytes
    }

    /// - Throws: `CeleryError` `.malformed` with the reason.
    package static func decode(_ bytes: [UInt8]) throws -> (task: BrokerMessage, isRedelivered: Bool) {
        try decode(parse(bytes))
    }

    package static func decode(_ envelope: JSON) throws -> (task: BrokerMessage, isRedelivered: Bool) {
        let properties = envelope["properties"]
        let information = properties["delivery_info"]
        guard let text = envelope["body"].stringValue else { throw malformed("has no text body") }
        var task = BrokerMessage()
        switch properties["body_encoding"].stringValue {
        case "base64":
            guard let body = Base64.decode(text) else { throw malformed("has a body that is not valid base64") }
            task.body = body
        case nil, "utf-8": task.body = Array(text.utf8)
        case let other?: throw malformed("has a body with the unknown encoding '\(other)'")
        }
        task.headers = envelope["headers"].objectValue ?? JSONObject()
        task.contentType = envelope["content-type"].stringValue
        task.contentEncoding = envelope["content-encoding"].stringValue
        task.routingKey = information["routing_key"].stringValue ?? ""
        task.exchange = information["exchange"].stringValue ?? ""
        task.priority = properties["priority"].intValue ?? 0
        task.correlationID = properties["correlation_id"].stringValue
        task.replyTo = properties["reply_to"].stringValue
        task.isPersistent = properties["delivery_mode"].intValue != 1
        let isRedelivered = task.headers["redelivered"] == .bool(true) || information["redelivered"] == .bool(true)
        return (task, isRedelivered)
    }

    /// The delivery tag of a message, if it has one.
    package static func tag(of bytes: [UInt8]) -> String? {
        (try? parse(bytes))?["properties"]["delivery_tag"].stringValue
    }

    /// The envelope in an entry of `unacked`.
    package static func envelope(ofEntry entry: [UInt8]) throws -> JSON {
        guard case .array(let parts) = try parse(entry), let envelope = parts.first, envelope.objectValue != nil else {
            throw malformed("is not a valid entry of Celery's unacked messages")
        }
        return envelope
    }

    /// The envelope with kombu's `redelivered` marks.
    package static func redelivered(_ envelope: JSON) -> JSON {
        var envelope = envelope
        envelope["headers"]["redelivered"] = true
        envelope["properties"]["delivery_info"]["redelivered"] = true
        return envelope
    }

    private static func parse(_ bytes: [UInt8]) throws -> JSON {
        try CeleryError.parse("A message on Redis is not valid JSON.") { () throws(JSONError) in
            try JSON(parsing: bytes)
        }
    }

    private static func malformed(_ what: String) -> CeleryError {
        .malformed("A message on Redis \(what).")
    }
}
