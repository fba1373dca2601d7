import CRabbitMQ
import DashJSON
import Testing

@testable import CeleryProtocol
@testable import JobsCelery
@testable import JobsRabbitMQ

@Suite("AMQP tables and properties")
struct AMQPTableTests {
    @Test("A table round-trips: null, text, numbers, lists, objects")
    func roundTrip() throws {
        let object: JSONObject = [
            "null": nil, "text": "ä\u{0}😀", "empty": "", "yes": true, "no": false, "int": 1, "negative": -7,
            "large": 12_345_678_901, "double": 2.5, "list": [1, [nil, "x"], ["a": []]], "object": ["b": ["c": nil]],
        ]
        let arena = AMQPArena()
        let table = try arena.table(object)
        #expect(AMQPTableReader.object(table) == object)
        #expect(AMQPTableReader.object(table).map(\.key) == object.map(\.key))
    }

    @Test("The field types are those of Celery's library: long strings, void, 32 or 64 bits by size, doubles")
    func kinds() throws {
        let arena = AMQPArena()
        let table = try arena.table([
            "s": "x", "n": nil, "i": 2_147_483_647, "l": 2_147_483_648, "d": 0.5, "t": true, "A": [], "F": [:],
        ])
        let kinds = UnsafeBufferPointer(start: table.entries, count: 8).map { Character(UnicodeScalar($0.value.kind)) }
        #expect(String(kinds) == "SVIldtAF")
    }

    @Test("Field types of other writers are read: small numbers, timestamps, decimals, bytes")
    func readsOthers() {
        let arena = AMQPArena()
        func field(_ kind: amqp_field_value_kind_t, _ set: (inout amqp_field_value_t) -> Void) -> amqp_field_value_t {
            var field = amqp_field_value_t()
            field.kind = UInt8(kind.rawValue)
            set(&field)
            return field
        }
        let fields = [
            field(AMQP_FIELD_KIND_I8) { $0.value.i8 = -3 }, field(AMQP_FIELD_KIND_U8) { $0.value.u8 = 250 },
            field(AMQP_FIELD_KIND_I16) { $0.value.i16 = -300 }, field(AMQP_FIELD_KIND_U16) { $0.value.u16 = 65_000 },
            field(AMQP_FIELD_KIND_U32) { $0.value.u32 = 4_000_000_000 },
            field(AMQP_FIELD_KIND_TIMESTAMP) { $0.value.u64 = 1_795_232_174 },
            field(AMQP_FIELD_KIND_F32) { $0.value.f32 = 0.25 },
            field(AMQP_FIELD_KIND_DECIMAL) { $0.value.decimal = amqp_decimal_t(decimals: 2, value: 314) },
            field(AMQP_FIELD_KIND_BYTES) { $0.value.bytes = arena.bytes("raw") },
        ]
        var entries = fields.enumerated().map {
            amqp_table_entry_t(key: arena.bytes("\($0.offset)"), value: $0.element)
        }
        let read = entries.withUnsafeMutableBufferPointer {
            AMQPTableReader.object(amqp_table_t(num_entries: Int32($0.count), entries: $0.baseAddress))
        }
        #expect(read.map(\.value) == [-3, 250, -300, 65_000, 4_000_000_000, 1_795_232_174, 0.25, 3.14, "raw"])
    }

    @Test("Headers larger than a frame and names that are too long throw")
    func limits() {
        for object: JSONObject in [
            ["x": .string(String(repeating: "x", count: 130_000))], [String(repeating: "k", count: 256): 1],
            ["list": .array(Array(repeating: 1, count: 20_000))],
        ] {
            #expect(throws: CeleryError.self) { _ = try AMQPArena().table(object) }
        }
    }

    @Test("A message's properties round-trip")
    func properties() throws {
        var task = sampleTask("q")
        (task.exchange, task.priority, task.isPersistent, task.contentEncoding) = ("x", 7, false, nil)
        var properties = try amqp_basic_properties_t(task, in: AMQPArena())
        #expect(properties.delivery_mode == 1)
        task.body = []
        let arena = AMQPArena()
        properties = try amqp_basic_properties_t(task, in: arena)
        var read = sampleMessage("x", key: "q")
        read.set(properties)
        #expect(read == task)
    }

    @Test("A body arrives in fragments or is empty")
    func assembly() throws {
        var assembly = AMQPContentAssembly()
        let properties = amqp_basic_properties_t()
        assembly.begin(exchange: "x", routingKey: "q") {
            .delivered(AMQPDelivery(consumerTag: "c", number: 3, isRedelivered: true, task: $0))
        }
        #expect(try assembly.take(properties, size: 5) == nil)
        #expect(
            try [1, 2, 3].withUnsafeBytes { try assembly.take(body: UnsafeRawBufferPointer(rebasing: $0[..<3])) } == nil
        )
        let event = try [UInt8](8...9).withUnsafeBytes { try assembly.take(body: $0) }
        guard case .delivered(let delivery) = event else { throw CeleryError(.malformed, "nothing") }
        #expect(delivery.task.body.suffix(2) == [8, 9])
        #expect((delivery.task.routingKey, delivery.number, delivery.isRedelivered) == ("q", 3, true))
        assembly.begin(exchange: "", routingKey: "q") { .returned($0, reason: "312 NO_ROUTE") }
        guard case .returned(_, "312 NO_ROUTE") = try assembly.take(properties, size: 0) else {
            throw CeleryError(.malformed, "nothing")
        }
        #expect(throws: CeleryError.self) { try assembly.take(properties, size: 0) }
    }
}
