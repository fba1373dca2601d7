import Crypto
import NIOCore
import ServiceLifecycle
import Support

/// A command and its arguments, as bytes.
struct RedisCommand: Sendable, Hashable {
    var arguments: [[UInt8]]

    /// A command of texts, numbers and bytes.
    init(_ arguments: any RedisArgument...) {
        self.arguments = arguments.map(\.redisBytes)
    }

    init(arguments: [[UInt8]]) {
        self.arguments = arguments
    }
}

/// What can stand in a command.
protocol RedisArgument: Sendable {
    var redisBytes: [UInt8] { get }
}

extension String: RedisArgument {
    var redisBytes: [UInt8] { Array(utf8) }
}

extension Int: RedisArgument {
    var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension Int64: RedisArgument {
    var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension [UInt8]: RedisArgument {
    var redisBytes: [UInt8] { self }
}

/// What Redis answers.
enum RedisValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case double(Double)
    /// A simple or bulk string.
    case string([UInt8])
    /// An error reply: of one command, the others of a pipeline are not touched.
    case error(String)
    case array([RedisValue])
    /// Keys and values in turn.
    case map([RedisValue])
    /// Out of band, RESP3.
    case push([RedisValue])
}

/// A connection to Redis that mends itself. So small that a published client can take its place.
protocol RedisClient: Service {
    /// Sends commands in one go and gives their answers in order. Waits for a connection if there is none, for a time.
    ///
    /// - Throws: `CeleryError`: `.unreachable` (nothing was sent), `.connectionLost` (nobody knows), `.refused`. An error
    ///   reply is a value, not thrown.
    func send(_ commands: [RedisCommand]) async throws -> [RedisValue]

    /// Out-of-band messages, and `nil` for each new connection: what was armed or subscribed before it is void.
    func pushes() -> AsyncStream<[RedisValue]?>

    /// When whoever lost the server together with this client has had the time to connect again: nil without a connection, and
    /// past for a first one.
    var reconnectDeadline: ContinuousClock.Instant? { get }

    /// Whether all that is sent goes over this connection.
    func isSame(as other: ReconnectingRedisClient) -> Bool

    /// The database number of its address, which is part of Celery's channel names.
    var database: Int { get }
}

extension RedisClient {
    /// It is another one.
    func isSame(as other: ReconnectingRedisClient) -> Bool { false }

    /// Sends one command; an error reply is thrown as `CeleryError.server`.
    func send(_ command: RedisCommand) async throws -> RedisValue {
        let answers = try await send([command])
        guard let answer = answers.first else { throw CeleryError(.malformed, "Redis gave no answer.") }
        if case .error(let message) = answer { throw CeleryError(.server, "Redis: \(message)") }
        return answer
    }
}

/// Messages of channels, over a connection of its own that mends itself and subscribes again. A service.
protocol RedisSubscriber: Service {
    /// The messages of a channel (or of a pattern), from the moment that this returns; ended by the stream's end of use.
    /// `nil` tells that the connection was mended: messages may have been missed.
    func messages(of channel: String, isPattern: Bool) async throws -> AsyncStream<RedisMessage?>
}

/// A message of a channel.
struct RedisMessage: Sendable, Hashable {
    var channel: String
    var payload: [UInt8]
}

/// A Lua script, sent once and called by its digest from then on.
struct RedisScript: Sendable {
    let name: String
    let source: String
    /// SHA-1 of the source, 40 hexadecimal digits.
    let digest: String
}

/// Taking answers of scripts apart. What has another form is nil.
extension RedisValue {
    /// A number, or a text that is one.
    var number: Int? { integer ?? text.flatMap { Int($0) } }

    /// An element of an array; null where there is none.
    subscript(place: Int) -> RedisValue {
        guard case .array(let elements) = self, elements.indices.contains(place) else { return .null }
        return elements[place]
    }

    /// The texts of an array.
    var texts: [String] { elements?.compactMap(\.text) ?? [] }
}

// MARK: - Writing

extension RedisCommand {
    /// Writes the command as Redis reads it: `*`, the number of its arguments, then `$`, the length and the bytes of each, with a
    /// line end after each part.
    func write(to buffer: inout ByteBuffer) {
        let bytes = arguments.reduce(0) { $0 + $1.count }
        let size = bytes + (1 + arguments.count) * RESPWriter.longestHeader + 2 * arguments.count
        // In one piece: a command of a job has up to a hundred short arguments, and five writes for each cost more than their bytes.
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { memory in
            var writer = RESPWriter(memory: memory)
            writer.header(UInt8(ascii: "*"), arguments.count)
            for argument in arguments {
                writer.header(UInt8(ascii: "$"), argument.count)
                writer.append(argument)
                writer.endLine()
            }
            return writer.count
        }
    }
}

/// Writes into memory that has room for all that is written.
private struct RESPWriter {
    /// Bytes of a header: its sign, the digits of a number that is not negative, a line end.
    static let longestHeader = 22

    let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    mutating func header(_ sign: UInt8, _ number: Int) {
        append(sign)
        let start = count
        var rest = number
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        memory[start..<count].reverse()
        endLine()
    }

    mutating func append(_ bytes: [UInt8]) {
        UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyBytes(from: bytes)
        count += bytes.count
    }

    mutating func endLine() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ byte: UInt8) {
        memory[count] = byte
        count += 1
    }
}

// MARK: - Running

extension RedisScript {
    /// Makes a script.
    ///
    /// - Parameter name: For people: it stands in the script's first line.
    init(_ name: String, _ source: String) {
        let text = "-- dash: \(name)\n\(source)"
        let digest = Hexadecimal.text(Insecure.SHA1.hash(data: Array(text.utf8)))
        self.init(name: name, source: text, digest: digest)
    }

    /// What it means that the script did not run to its end.
    func error(_ message: String) -> CeleryError {
        CeleryError(.server, "Redis, in the script '\(name)': \(message)")
    }

    /// A call of the script, to be run with others in one go.
    func call(keys: [String], arguments: [any RedisArgument] = []) -> RedisScriptCall {
        RedisScriptCall(script: self, keys: keys, arguments: arguments.map(\.redisBytes))
    }
}

/// A script with its keys and arguments.
struct RedisScriptCall: Sendable {
    let script: RedisScript
    let keys: [String]
    let arguments: [[UInt8]]

    /// The call by digest, or with the whole source.
    func command(whole: Bool = false) -> RedisCommand {
        var parts = (whole ? ["EVAL", script.source] : ["EVALSHA", script.digest]).map(\.redisBytes)
        parts.reserveCapacity(3 + keys.count + arguments.count)
        parts.append(keys.count.redisBytes)
        for key in keys { parts.append(key.redisBytes) }
        parts += arguments
        return RedisCommand(arguments: parts)
    }
}

extension RedisClient {
    /// Runs a script; a server that does not know it is sent its source.
    ///
    /// - Throws: what `send` throws, and `CeleryError` `.server` for an error of the script.
    func run(_ script: RedisScript, keys: [String], arguments: [any RedisArgument] = []) async throws -> RedisValue {
        let answer = try await run([script.call(keys: keys, arguments: arguments)])[0]
        if case .error(let message) = answer {
            throw script.error(message)
        }
        return answer
    }

    /// Runs several in one go; an error is a value. What the server did not know runs after the others.
    func run(_ calls: [RedisScriptCall]) async throws -> [RedisValue] {
        var answers = try await send(calls.map { $0.command() })
        let unknown = answers.indices.filter { answers[$0].isUnknownScript }
        guard !unknown.isEmpty else { return answers }
        for (index, answer) in zip(unknown, try await send(unknown.map { calls[$0].command(whole: true) })) {
            answers[index] = answer
        }
        return answers
    }
}

extension RedisValue {
    /// Whether the server does not know a script by its digest.
    var isUnknownScript: Bool {
        if case .error(let message) = self { message.hasPrefix("NOSCRIPT") } else { false }
    }

    /// A string, simple or bulk, as text.
    var text: String? {
        if case .string(let bytes) = self { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    /// A string's bytes.
    var bytes: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    /// An integer.
    var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// An array's elements, or a map's keys and values in turn.
    var elements: [RedisValue]? {
        switch self {
        case .array(let elements), .map(let elements), .push(let elements): elements
        default: nil
        }
    }
}
