import CRabbitMQ
import DashJSON

extension amqp_basic_properties_t {
    /// The properties with which Celery's producers send: headers always, even if there are none.
    init(_ task: RawTask, in arena: AMQPArena) throws {
        self.init()
        var writer = AMQPTableWriter(into: arena)
        headers = try writer.table(task.headers)
        delivery_mode = task.isPersistent ? 2 : 1
        priority = UInt8(clamping: task.priority)
        _flags = UInt32(AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG)
        try set(\.content_type, task.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG, arena)
        try set(\.content_encoding, task.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG, arena)
        try set(\.correlation_id, task.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG, arena)
        try set(\.reply_to, task.replyTo, AMQP_BASIC_REPLY_TO_FLAG, arena)
    }

    private mutating func set(
        _ place: WritableKeyPath<Self, amqp_bytes_t>,
        _ text: String?,
        _ flag: Int32,
        _ arena: AMQPArena
    ) throws {
        guard let text else { return }
        try AMQPName.check(text)
        self[keyPath: place] = arena.bytes(text)
        _flags |= UInt32(flag)
    }

    fileprivate func text(_ place: KeyPath<Self, amqp_bytes_t>, _ flag: Int32) -> String? {
        _flags & UInt32(flag) == 0 ? nil : self[keyPath: place].text
    }
}

/// Names as RabbitMQ has them: of queues, exchanges, ids.
enum AMQPName {
    /// - Throws: `CeleryError` if a name is too long.
    static func check(_ name: String) throws {
        guard name.utf8.count > 255 else { return }
        throw CeleryError(
            .option,
            "RabbitMQ takes ids, types and queue names of up to 255 bytes; \(name.prefix(40))… is longer."
        )
    }
}

extension RawTask {
    /// - Throws: `CeleryError` if a name is too long for RabbitMQ.
    func checkNames() throws {
        for name in [exchange, routingKey] { try AMQPName.check(name) }
    }

    /// A message as it came, still without its body.
    init(_ properties: amqp_basic_properties_t, exchange: String, routingKey: String) {
        self.init()
        self.exchange = exchange
        self.routingKey = routingKey
        contentType = properties.text(\.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
        contentEncoding = properties.text(\.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        correlationID = properties.text(\.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
        replyTo = properties.text(\.reply_to, AMQP_BASIC_REPLY_TO_FLAG)
        if properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 { headers = JSONObject(properties.headers) }
        if properties._flags & UInt32(AMQP_BASIC_PRIORITY_FLAG) != 0 { priority = Int(properties.priority) }
        isPersistent = properties._flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && properties.delivery_mode == 2
    }
}
