import DashJSON

@testable import JobsCelery

/// Decodes AMQP frames to JSON in the format of the recordings, independently of librabbitmq.
struct AMQPFrameReader {
    private var rest: ArraySlice<UInt8>

    /// The argument names: s short string, n 16 bits, l 32 bits, q 64 bits, T table, b group of bits.
    private static let methods: [Int: (name: String, arguments: [(kind: Character, names: [String])])] = [
        10 << 16 | 11: ("connection.start-ok", [("T", ["client_properties"])]),
        10 << 16 | 31: ("connection.tune-ok", [("n", ["channel_max"]), ("l", ["frame_max"]), ("n", ["heartbeat"])]),
        10 << 16 | 40: ("connection.open", [("s", ["vhost"]), ("s", []), ("b", ["insist"])]),
        20 << 16 | 10: ("channel.open", []),
        40 << 16 | 10: (
            "exchange.declare",
            [
                ("n", []), ("s", ["exchange"]), ("s", ["type"]),
                ("b", ["passive", "durable", "auto_delete", "internal", "nowait"]), ("T", ["arguments"]),
            ]
        ),
        50 << 16 | 10: (
            "queue.declare",
            [
                ("n", []), ("s", ["queue"]), ("b", ["passive", "durable", "exclusive", "auto_delete", "nowait"]),
                ("T", ["arguments"]),
            ]
        ),
        50 << 16 | 20: (
            "queue.bind",
            [
                ("n", []), ("s", ["queue"]), ("s", ["exchange"]), ("s", ["routing_key"]), ("b", ["nowait"]),
                ("T", ["arguments"]),
            ]
        ),
        60 << 16 | 10: ("basic.qos", [("l", ["prefetch_size"]), ("n", ["prefetch_count"]), ("b", ["global"])]),
        60 << 16 | 20: (
            "basic.consume",
            [
                ("n", []), ("s", ["queue"]), ("s", ["consumer_tag"]),
                ("b", ["no_local", "no_ack", "exclusive", "nowait"]),
                ("T", ["arguments"]),
            ]
        ),
        60 << 16 | 40: (
            "basic.publish",
            [("n", []), ("s", ["exchange"]), ("s", ["routing_key"]), ("b", ["mandatory", "immediate"])]
        ),
        60 << 16 | 80: ("basic.ack", [("q", ["delivery_tag"]), ("b", ["multiple"])]),
    ]

    static func method(_ payload: [UInt8]) -> JSON {
        var reader = AMQPFrameReader(rest: payload[...])
        let number = reader.number(4)
        guard let method = methods[number] else { return ["method": .string("\(number >> 16).\(number & 0xffff)")] }
        var arguments: JSON = [:]
        for argument in method.arguments { reader.read(argument.kind, argument.names, into: &arguments) }
        return ["dir": "C", "method": .string(method.name), "args": arguments]
    }

    private static let propertyNames: [(String, Character)] = [
        ("content_type", "s"), ("content_encoding", "s"), ("headers", "T"), ("delivery_mode", "o"), ("priority", "o"),
        ("correlation_id", "s"), ("reply_to", "s"),
    ]

    static func properties(_ payload: [UInt8]) -> JSON {
        var reader = AMQPFrameReader(rest: payload[...])
        _ = reader.number(12)
        let flags = reader.number(2)
        var properties: JSON = [:]
        for (place, (name, kind)) in propertyNames.enumerated() where flags >> (15 - place) & 1 == 1 {
            reader.read(kind, [name], into: &properties)
        }
        return properties
    }

    private mutating func read(_ kind: Character, _ names: [String], into object: inout JSON) {
        switch kind {
        case "b":
            let bits = number(1)
            for (place, name) in names.enumerated() { object[name] = .bool(bits >> place & 1 == 1) }
        default:
            let value: JSON =
                switch kind {
                case "s": .string(text(number(1)))
                case "T": table()
                default: .int(number(["o": 1, "n": 2, "l": 4, "q": 8][kind] ?? 0))
                }
            if let name = names.first { object[name] = value }
        }
    }

    private mutating func number(_ size: Int) -> Int {
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).reduce(0) { $0 << 8 | Int($1) }
    }

    private mutating func text(_ size: Int) -> String {
        defer { rest = rest.dropFirst(size) }
        return String(decoding: rest.prefix(size), as: UTF8.self)
    }

    private mutating func table() -> JSON {
        let end = rest.count - 4 - Int(rest.prefix(4).reduce(0) { $0 << 8 | Int($1) })
        _ = number(4)
        var object: JSON = [:]
        while rest.count > end {
            let name = text(number(1))
            object[name] = value()
        }
        return object
    }

    private mutating func value() -> JSON {
        switch Character(UnicodeScalar(UInt8(number(1)))) {
        case "t": return .bool(number(1) == 1)
        case "I": return .int(Int(Int32(truncatingIfNeeded: number(4))))
        case "l": return .int(number(8))
        case "d": return .double(Double(bitPattern: UInt64(bitPattern: Int64(number(8)))))
        case "S": return .string(text(number(4)))
        case "F": return table()
        case "A":
            let end = rest.count - 4 - Int(rest.prefix(4).reduce(0) { $0 << 8 | Int($1) })
            _ = number(4)
            var values: [JSON] = []
            while rest.count > end { values.append(value()) }
            return .array(values)
        default: return .null
        }
    }
}
