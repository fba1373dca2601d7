import CRabbitMQ
import CeleryProtocol
import DashJSON
import JobsCelery

/// Memory for the arguments of one librabbitmq call. Used on the connection's thread only.
final class AMQPArena {
    private var pool = amqp_pool_t()
    /// The approximate number of bytes in tables.
    private var tableSize = 0

    /// The limit of the tables, in bytes: they must fit into one frame together with the other properties.
    private static let largestTable = 120_000

    init() {
        init_amqp_pool(&pool, 16 << 10)
    }

    deinit {
        empty_amqp_pool(&pool)
    }

    /// Frees all allocations; pointers into them become invalid.
    func reset() {
        recycle_amqp_pool(&pool)
        tableSize = 0
    }

    /// Allocates room for values of a C type.
    private func room<Value>(for count: Int, of type: Value.Type) -> UnsafeMutablePointer<Value>? {
        guard count > 0 else { return nil }
        return amqp_pool_alloc(&pool, count * MemoryLayout<Value>.stride)?.bindMemory(to: type, capacity: count)
    }

    /// Copies text into the arena.
    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { source in
            guard let start = source.baseAddress, let room = room(for: source.count, of: UInt8.self) else {
                return amqp_bytes_t(len: 0, bytes: nil)
            }
            room.initialize(from: start, count: source.count)
            return amqp_bytes_t(len: source.count, bytes: room)
        }
    }

    /// Writes JSON as an AMQP table (headers, arguments) with the types that Celery's library uses: text is a long
    /// string, null is void, an integer has 32 bits if it fits and otherwise 64, other numbers are doubles.
    func table(_ object: JSONObject) throws -> amqp_table_t {
        let entries = room(for: object.count, of: amqp_table_entry_t.self)
        for (place, member) in object.enumerated() {
            guard member.key.utf8.count <= 255 else {
                throw CeleryError(.option, "The header name \(member.key.prefix(40))… is longer than 255 bytes.")
            }
            try grow(member.key.utf8.count + 2)
            let entry = amqp_table_entry_t(key: bytes(member.key), value: try value(member.value))
            entries?.advanced(by: place).initialize(to: entry)
        }
        return amqp_table_t(num_entries: Int32(object.count), entries: entries)
    }

    private func value(_ json: JSON) throws -> amqp_field_value_t {
        try grow(9)
        switch json {
        case .null: return field(AMQP_FIELD_KIND_VOID, .init())
        case .bool(let value): return field(AMQP_FIELD_KIND_BOOLEAN, .init(boolean: value.flag))
        case .int(let value):
            if let small = Int32(exactly: value) { return field(AMQP_FIELD_KIND_I32, .init(i32: small)) }
            return field(AMQP_FIELD_KIND_I64, .init(i64: Int64(value)))
        case .double(let value): return field(AMQP_FIELD_KIND_F64, .init(f64: value))
        case .string(let value):
            try grow(value.utf8.count)
            return field(AMQP_FIELD_KIND_UTF8, .init(bytes: bytes(value)))
        case .array(let values): return field(AMQP_FIELD_KIND_ARRAY, .init(array: try array(values)))
        case .object(let object): return field(AMQP_FIELD_KIND_TABLE, .init(table: try table(object)))
        }
    }

    private func field(
        _ kind: amqp_field_value_kind_t,
        _ value: amqp_field_value_t.__Unnamed_union_value
    ) -> amqp_field_value_t {
        amqp_field_value_t(kind: UInt8(kind.rawValue), value: value)
    }

    private func array(_ values: [JSON]) throws -> amqp_array_t {
        let entries = room(for: values.count, of: amqp_field_value_t.self)
        for (place, value) in values.enumerated() {
            entries?.advanced(by: place).initialize(to: try self.value(value))
        }
        return amqp_array_t(num_entries: Int32(values.count), entries: entries)
    }

    private func grow(_ bytes: Int) throws {
        tableSize += bytes
        guard tableSize >= Self.largestTable else { return }
        let limit = "The headers of a message are larger than \(Self.largestTable) bytes"
        throw CeleryError(.option, limit + "; put large data into the body.")
    }
}

extension amqp_basic_properties_t {
    /// The properties that Celery's producers send; headers are present even if empty.
    init(_ task: BrokerMessage, in arena: AMQPArena) throws {
        self.init()
        headers = try arena.table(task.headers)
        delivery_mode = task.isPersistent ? 2 : 1
        priority = UInt8(clamping: task.priority)
        _flags = UInt32(AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG)
        func set(_ place: WritableKeyPath<Self, amqp_bytes_t>, _ text: String?, _ flag: Int32) throws {
            guard let text else { return }
            try AMQPName.check(text)
            self[keyPath: place] = arena.bytes(text)
            _flags |= UInt32(flag)
        }
        try set(\.content_type, task.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG)
        try set(\.content_encoding, task.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
        try set(\.correlation_id, task.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG)
        try set(\.reply_to, task.replyTo, AMQP_BASIC_REPLY_TO_FLAG)
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
        let limit = "RabbitMQ limits ids, types and queue names to 255 bytes"
        throw CeleryError(.option, "\(limit); \(name.prefix(40))… is longer.")
    }
}

extension BrokerMessage {
    /// Sets everything but the body and where the message was published to.
    mutating func set(_ properties: amqp_basic_properties_t) {
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
        Double(Int32(bitPattern: value.value)) / (0..<value.decimals).reduce(1) { power, _ in power * 10 }
    }
}
