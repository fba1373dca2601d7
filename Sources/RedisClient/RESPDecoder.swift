import CeleryProtocol
import NIOCore

/// Decodes Redis replies (RESP2 and RESP3) incrementally.
///
/// Decoded parts of an incomplete reply are kept; only an incomplete line is scanned again, so that decoding takes
/// linear time.
struct RESPDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = RedisValue

    static let maximumDepth = 32
    /// The limit of a line (simple string, error or length), in bytes.
    static let maximumLine = 64 << 10
    /// The limit of a string, in bytes, as in Redis.
    static let maximumLength = 512 << 20
    static let maximumCount = 64 << 20

    private enum Kind { case array, map, push, attribute }

    private struct Container {
        let kind: Kind
        var missing: Int
        var elements: [RedisValue] = []

        /// Nil for an attribute, which is ignored.
        var value: RedisValue? {
            switch kind {
            case .array: .array(elements)
            case .map: .map(elements)
            case .push: .push(elements)
            case .attribute: nil
            }
        }
    }

    private enum Step {
        case value(RedisValue)
        /// A container was opened, or an element was ignored.
        case onwards
        case needsMore
    }

    private var open: [Container] = []
    /// The type and length of a string whose bytes follow.
    private var bulk: (type: UInt8, length: Int)?

    mutating func decode(buffer: inout ByteBuffer) throws -> RedisValue? {
        while true {
            switch try step(&buffer) {
            case .needsMore: return nil
            case .onwards: continue
            case .value(let value):
                if let whole = add(value) { return whole }
            }
        }
    }

    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> RedisValue? {
        try decode(buffer: &buffer)
    }

    /// Adds a value to the open container; returns the reply if it is complete.
    private mutating func add(_ value: RedisValue) -> RedisValue? {
        var value = value
        while var container = open.popLast() {
            container.elements.append(value)
            container.missing -= 1
            guard container.missing == 0 else {
                open.append(container)
                return nil
            }
            guard let whole = container.value else { return nil }
            value = whole
        }
        return value
    }

    private mutating func step(_ buffer: inout ByteBuffer) throws -> Step {
        if let bulk { return try finish(bulk, &buffer) }
        let line = buffer.readableBytesView
        guard let end = line.firstIndex(of: UInt8(ascii: "\r")), end + 1 < line.endIndex else {
            guard line.count <= Self.maximumLine else { throw malformed("an unterminated line") }
            return .needsMore
        }
        guard let type = line.first, line[end + 1] == UInt8(ascii: "\n"), end > line.startIndex else {
            throw malformed("an invalid line")
        }
        let rest = line[(line.startIndex + 1)..<end]
        buffer.moveReaderIndex(forwardBy: end + 2 - line.startIndex)
        return try read(type, rest, &buffer)
    }

    private mutating func read(_ type: UInt8, _ rest: ByteBufferView, _ buffer: inout ByteBuffer) throws -> Step {
        switch type {
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            guard let length = try size(rest, limit: Self.maximumLength) else { return .value(.null) }
            bulk = (type, length)
            return try finish((type, length), &buffer)
        case UInt8(ascii: "*"), UInt8(ascii: "~"): return try start(.array, rest)
        case UInt8(ascii: ">"): return try start(.push, rest)
        case UInt8(ascii: "%"): return try start(.map, rest)
        case UInt8(ascii: "|"): return try start(.attribute, rest)
        default: return .value(try scalar(type, rest))
        }
    }

    private func scalar(_ type: UInt8, _ rest: ByteBufferView) throws -> RedisValue {
        switch type {
        case UInt8(ascii: "+"), UInt8(ascii: "("): return .string(Array(rest))
        case UInt8(ascii: "-"): return .error(String(decoding: rest, as: UTF8.self))
        case UInt8(ascii: ":"): return .integer(try number(rest))
        case UInt8(ascii: "_"): return .null
        case UInt8(ascii: "#"): return .bool(rest.first == UInt8(ascii: "t"))
        case UInt8(ascii: ","):
            let double = Double(String(decoding: rest, as: UTF8.self))
            guard let double else { throw malformed("an invalid number") }
            return .double(double)
        default: throw malformed("a reply of an unknown type")
        }
    }

    /// Reads a string's bytes and the line end after them, once all are available.
    private mutating func finish(_ string: (type: UInt8, length: Int), _ buffer: inout ByteBuffer) throws -> Step {
        guard buffer.readableBytes >= string.length + 2 else { return .needsMore }
        bulk = nil
        // A verbatim string begins with its format: three letters and a colon.
        let skipped = string.type == UInt8(ascii: "=") ? min(4, string.length) : 0
        buffer.moveReaderIndex(forwardBy: skipped)
        let bytes = buffer.readBytes(length: string.length - skipped) ?? []
        guard buffer.readInteger(as: UInt16.self) == 0x0D0A else { throw malformed("a string of the wrong length") }
        let isError = string.type == UInt8(ascii: "!")
        return .value(isError ? .error(String(decoding: bytes, as: UTF8.self)) : .string(bytes))
    }

    private mutating func start(_ kind: Kind, _ rest: ByteBufferView) throws -> Step {
        guard let count = try size(rest, limit: Self.maximumCount) else { return .value(.null) }
        guard open.count < Self.maximumDepth else { throw malformed("a reply that is nested too deeply") }
        let hasKeys = kind == .map || kind == .attribute
        let container = Container(kind: kind, missing: hasKeys ? 2 * count : count)
        if count == 0 { return container.value.map { .value($0) } ?? .onwards }
        open.append(container)
        return .onwards
    }

    /// A length or count; nil for RESP2's null.
    private func size(_ digits: ByteBufferView, limit: Int) throws -> Int? {
        let size = try number(digits)
        guard size >= -1, size <= limit else { throw malformed("a reply with the size \(size)") }
        return size == -1 ? nil : size
    }

    private func number(_ digits: ByteBufferView) throws -> Int {
        guard let number = Int(Substring(decoding: digits, as: UTF8.self)) else { throw malformed("an invalid number") }
        return number
    }

    private func malformed(_ what: String) -> CeleryError {
        .malformed("Redis sent \(what). Is this the address of a Redis server?")
    }
}
