import NIOCore

/// Takes Redis' answers (RESP2 and RESP3) out of a stream of bytes, however the stream is cut.
///
/// What was read of an unfinished answer is kept: nothing is looked at twice but an unfinished line, so that an answer of
/// many megabytes costs no more than its bytes.
struct RESPDecoder: NIOSingleStepByteToMessageDecoder {
    typealias InboundOut = RedisValue

    static let maximumDepth = 32
    /// Bytes of a line: a simple string, an error, a length.
    static let maximumLine = 64 << 10
    /// Bytes of a string: Redis' own limit.
    static let maximumLength = 512 << 20
    static let maximumCount = 64 << 20

    private enum Kind { case array, map, push, attribute }

    private struct Container {
        let kind: Kind
        var missing: Int
        var elements: [RedisValue] = []
    }

    private enum Step {
        case value(RedisValue)
        /// A container's start, or something without meaning.
        case onwards
        case needsMore
    }

    private var open: [Container] = []
    /// A string whose length was read: its type and length.
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

    /// Puts a value where it belongs; returns what is whole by that.
    private mutating func add(_ value: RedisValue) -> RedisValue? {
        var value = value
        while var container = open.popLast() {
            container.elements.append(value)
            container.missing -= 1
            guard container.missing == 0 else {
                open.append(container)
                return nil
            }
            switch container.kind {
            case .array: value = .array(container.elements)
            case .map: value = .map(container.elements)
            case .push: value = .push(container.elements)
            case .attribute: return nil
            }
        }
        return value
    }

    private mutating func step(_ buffer: inout ByteBuffer) throws -> Step {
        if let bulk { return try finish(bulk, &buffer) }
        let line = buffer.readableBytesView
        guard let end = line.firstIndex(of: UInt8(ascii: "\r")), end + 1 < line.endIndex else {
            guard line.count <= Self.maximumLine else { throw malformed("a line without an end") }
            return .needsMore
        }
        guard let type = line.first, line[end + 1] == UInt8(ascii: "\n"), end > line.startIndex else {
            throw malformed("a line that is none")
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
            guard let double = Double(String(decoding: rest, as: UTF8.self)) else { throw malformed("a wrong number") }
            return .double(double)
        default: throw malformed("an unknown type of answer")
        }
    }

    /// Reads a string's bytes and the line end behind them, when they are all there.
    private mutating func finish(_ string: (type: UInt8, length: Int), _ buffer: inout ByteBuffer) throws -> Step {
        guard buffer.readableBytes >= string.length + 2 else { return .needsMore }
        bulk = nil
        // Three letters and a colon tell a verbatim string's format.
        let skipped = string.type == UInt8(ascii: "=") ? min(4, string.length) : 0
        buffer.moveReaderIndex(forwardBy: skipped)
        let bytes = buffer.readBytes(length: string.length - skipped) ?? []
        guard buffer.readInteger(as: UInt16.self) == 0x0D0A else { throw malformed("a string of another length") }
        return .value(
            string.type == UInt8(ascii: "!") ? .error(String(decoding: bytes, as: UTF8.self)) : .string(bytes)
        )
    }

    private mutating func start(_ kind: Kind, _ rest: ByteBufferView) throws -> Step {
        guard let count = try size(rest, limit: Self.maximumCount) else { return .value(.null) }
        guard open.count < Self.maximumDepth else { throw malformed("an answer that is nested too deeply") }
        if count > 0 {
            let hasKeys = kind == .map || kind == .attribute
            open.append(Container(kind: kind, missing: hasKeys ? 2 * count : count))
            return .onwards
        }
        switch kind {
        case .array: return .value(.array([]))
        case .map: return .value(.map([]))
        case .push: return .value(.push([]))
        case .attribute: return .onwards
        }
    }

    /// A length or count; nil is RESP2's "there is none".
    private func size(_ digits: ByteBufferView, limit: Int) throws -> Int? {
        let size = try number(digits)
        guard size >= -1, size <= limit else { throw malformed("an answer of \(size) parts") }
        return size == -1 ? nil : size
    }

    private func number(_ digits: ByteBufferView) throws -> Int {
        guard let number = Int(Substring(decoding: digits, as: UTF8.self)) else { throw malformed("a wrong number") }
        return number
    }

    private func malformed(_ what: String) -> CeleryError {
        CeleryError(.malformed, "Redis sent \(what). Is another kind of server at this address?")
    }
}
