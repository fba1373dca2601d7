import CRabbitMQ
import DashJSON

/// Tables of AMQP (headers, arguments) from and to JSON, with the types that Celery's own library writes: text is a long
/// string, null is void, whole numbers have 32 bits if they fit and else 64, others are doubles.
struct AMQPTableWriter {
    /// A table must fit into one frame with what stands beside it.
    static let largest = 120_000

    let arena: AMQPArena
    /// What has been written, in bytes, roughly.
    private(set) var size = 0

    init(into arena: AMQPArena) {
        self.arena = arena
    }

    mutating func table(_ object: JSONObject) throws -> amqp_table_t {
        let entries = arena.room(for: object.count, of: amqp_table_entry_t.self)
        for (place, member) in object.enumerated() {
            guard member.key.utf8.count <= 255 else {
                throw CeleryError(.option, "The header \(member.key.prefix(40))… has a name of more than 255 bytes.")
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
                "A message's headers are larger than \(Self.largest) bytes; put such data into the body."
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
