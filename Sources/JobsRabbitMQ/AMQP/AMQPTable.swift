import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery

/// Writes JSON as AMQP tables (headers, arguments) with the types that Celery's library uses: text is a long string,
/// null is void, an integer has 32 bits if it fits and otherwise 64, other numbers are doubles.
struct AMQPTableWriter {
    /// The limit of a table, in bytes: it must fit into one frame together with the other properties.
    static let largest = 120_000

    let arena: AMQPArena
    /// The approximate number of bytes written.
    private(set) var size = 0

    init(into arena: AMQPArena) {
        self.arena = arena
    }

    mutating func table(_ object: JSONObject) throws -> amqp_table_t {
        let entries = arena.room(for: object.count, of: amqp_table_entry_t.self)
        for (place, member) in object.enumerated() {
            guard member.key.utf8.count <= 255 else {
                throw CeleryError(.option, "The header name \(member.key.prefix(40))… is longer than 255 bytes.")
            }
            try grow(member.key.utf8.count + 2)
            let entry = amqp_table_entry_t(key: arena.bytes(member.key), value: try value(member.value))
            entries?.advanced(by: place).initialize(to: entry)
        }
        return amqp_table_t(num_entries: Int32(object.count), entries: entries)
    }

    private mutating func value(_ json: JSON) throws -> amqp_field_value_t {
        try grow(9)
        var field = amqp_field_value_t()
        switch json {
        case .null: field.set(AMQP_FIELD_KIND_VOID)
        case .bool(let value):
            field.set(AMQP_FIELD_KIND_BOOLEAN)
            field.value.boolean = value ? 1 : 0
        case .int(let value): field.set(value)
        case .double(let value):
            field.set(AMQP_FIELD_KIND_F64)
            field.value.f64 = value
        case .string(let value):
            try grow(value.utf8.count)
            field.set(AMQP_FIELD_KIND_UTF8)
            field.value.bytes = arena.bytes(value)
        case .array(let values):
            field.set(AMQP_FIELD_KIND_ARRAY)
            field.value.array = try array(values)
        case .object(let object):
            field.set(AMQP_FIELD_KIND_TABLE)
            field.value.table = try table(object)
        }
        return field
    }

    private mutating func grow(_ bytes: Int) throws {
        size += bytes
        guard size < Self.largest else {
            throw CeleryError(
                .option,
                "The headers of a message are larger than \(Self.largest) bytes; put large data into the body."
            )
        }
    }

    private mutating func array(_ values: [JSON]) throws -> amqp_array_t {
        let entries = arena.room(for: values.count, of: amqp_field_value_t.self)
        for (place, value) in values.enumerated() {
            entries?.advanced(by: place).initialize(to: try self.value(value))
        }
        return amqp_array_t(num_entries: Int32(values.count), entries: entries)
    }
}

extension amqp_field_value_t {
    fileprivate mutating func set(_ kind: amqp_field_value_kind_t) {
        self.kind = UInt8(kind.rawValue)
    }

    fileprivate mutating func set(_ number: Int) {
        if let small = Int32(exactly: number) {
            set(AMQP_FIELD_KIND_I32)
            value.i32 = small
        } else {
            set(AMQP_FIELD_KIND_I64)
            value.i64 = Int64(number)
        }
    }
}

// MARK: - Reading

extension amqp_basic_properties_t {
    /// The properties that Celery's producers send; headers are present even if empty.
    init(_ task: BrokerMessage, in arena: AMQPArena) throws {
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

/// Names in RabbitMQ: of queues and exchanges, and IDs.
enum AMQPName {
    /// - Throws: `CeleryError` if a name is too long.
    static func check(_ name: String) throws {
        guard name.utf8.count > 255 else { return }
        throw CeleryError(
            .option,
            "RabbitMQ limits ids, types and queue names to 255 bytes; \(name.prefix(40))… is longer."
        )
    }
}

extension BrokerMessage {
    /// - Throws: `CeleryError` if a name is too long for RabbitMQ.
    func checkNames() throws {
        for name in [exchange, routingKey] { try AMQPName.check(name) }
    }

    /// Creates a received message without its body.
    init(_ properties: amqp_basic_properties_t, exchange: String, routingKey: String) {
        self.init()
        self.exchange = exchange
        self.routingKey = routingKey
        contentType = properties.text(\.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
        contentEncoding = properties.text(\.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        correlationID = properties.text(\.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
        replyTo = properties.text(\.reply_to, AMQP_BASIC_REPLY_TO_FLAG)
        if properties._flags & UInt32(AMQP_BASIC_HEADERS_FLAG) != 0 {
            headers = AMQPTableReader.object(properties.headers)
        }
        if properties._flags & UInt32(AMQP_BASIC_PRIORITY_FLAG) != 0 { priority = Int(properties.priority) }
        isPersistent = properties._flags & UInt32(AMQP_BASIC_DELIVERY_MODE_FLAG) != 0 && properties.delivery_mode == 2
    }
}

/// Memory for the arguments of one librabbitmq call. Used on the connection's thread only.
final class AMQPArena {
    private var pool = amqp_pool_t()

    init() {
        init_amqp_pool(&pool, 16 << 10)
    }

    deinit {
        empty_amqp_pool(&pool)
    }

    /// Frees all allocations; pointers into them become invalid.
    func reset() {
        recycle_amqp_pool(&pool)
    }

    /// Allocates room for values of a C type.
    func room<Value>(for count: Int, of type: Value.Type) -> UnsafeMutablePointer<Value>? {
        guard count > 0 else { return nil }
        return amqp_pool_alloc(&pool, count * MemoryLayout<Value>.stride)?.bindMemory(to: type, capacity: count)
    }

    /// Copies text into the arena.
    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, !source.isEmpty,
            let room = amqp_pool_alloc(&pool, source.count)
        else { return amqp_bytes_t(len: 0, bytes: nil) }
        room.copyMemory(from: start, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: room)
    }
}

extension amqp_bytes_t {
    /// The bytes as text; invalid UTF-8 becomes the replacement character.
    var text: String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len), as: UTF8.self)
    }
}

/// Reads AMQP tables as JSON.
enum AMQPTableReader {
    /// A timestamp becomes seconds since 1970, a decimal a number, and bytes become text.
    static func object(_ table: amqp_table_t) -> JSONObject {
        var object = JSONObject()
        guard let entries = table.entries, table.num_entries > 0 else { return object }
        object.reserveCapacity(Int(table.num_entries))
        for entry in UnsafeBufferPointer(start: entries, count: Int(table.num_entries)) {
            let key = entry.key.text
            if object[key] == nil { object.append(key, json(entry.value)) }
        }
        return object
    }

    private static func json(_ field: amqp_field_value_t) -> JSON {
        let value = field.value
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: return .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES: return .string(value.bytes.text)
        case AMQP_FIELD_KIND_ARRAY:
            let items = UnsafeBufferPointer(start: value.array.entries, count: max(0, Int(value.array.num_entries)))
            return .array(items.map(json))
        case AMQP_FIELD_KIND_TABLE: return .object(object(value.table))
        default: return number(field)
        }
    }

    private static func number(_ field: amqp_field_value_t) -> JSON {
        let value = field.value
        return switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_I8: .int(Int(value.i8))
        case AMQP_FIELD_KIND_U8: .int(Int(value.u8))
        case AMQP_FIELD_KIND_I16: .int(Int(value.i16))
        case AMQP_FIELD_KIND_U16: .int(Int(value.u16))
        case AMQP_FIELD_KIND_I32: .int(Int(value.i32))
        case AMQP_FIELD_KIND_U32: .int(Int(value.u32))
        case AMQP_FIELD_KIND_I64: .int(Int(value.i64))
        case AMQP_FIELD_KIND_U64, AMQP_FIELD_KIND_TIMESTAMP:
            Int(exactly: value.u64).map { .int($0) } ?? .double(Double(value.u64))
        case AMQP_FIELD_KIND_F32: .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: .double(value.f64)
        case AMQP_FIELD_KIND_DECIMAL: .double(decimal(value.decimal))
        default: .null
        }
    }

    private static func decimal(_ value: amqp_decimal_t) -> Double {
        var divisor = 1.0
        for _ in 0..<value.decimals { divisor *= 10 }
        return Double(Int32(bitPattern: value.value)) / divisor
    }
}
