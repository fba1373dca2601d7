import CRabbitMQ
import DashJSON

extension JSONObject {
    /// The members of a table of AMQP. A timestamp becomes its seconds since 1970, a decimal a number, bytes their text.
    init(_ table: amqp_table_t) {
        self.init()
        guard let entries = table.entries, table.num_entries > 0 else { return }
        reserveCapacity(Int(table.num_entries))
        for entry in UnsafeBufferPointer(start: entries, count: Int(table.num_entries)) {
            let key = entry.key.text
            if self[key] == nil { append(key, JSON(entry.value)) }
        }
    }
}

extension JSON {
    fileprivate init(_ field: amqp_field_value_t) {
        let value = field.value
        switch amqp_field_value_kind_t(UInt32(field.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .bool(value.boolean != 0)
        case AMQP_FIELD_KIND_UTF8, AMQP_FIELD_KIND_BYTES: self = .string(value.bytes.text)
        case AMQP_FIELD_KIND_ARRAY:
            let items = UnsafeBufferPointer(start: value.array.entries, count: max(0, Int(value.array.num_entries)))
            self = .array(items.map { JSON($0) })
        case AMQP_FIELD_KIND_TABLE: self = .object(JSONObject(value.table))
        default: self = Self.number(field)
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
