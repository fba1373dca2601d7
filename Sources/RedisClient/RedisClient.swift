package import CeleryProtocol
import Crypto
package import NIOCore
package import ServiceLifecycle
import Support

/// A command and its arguments, as bytes.
package struct RedisCommand: Sendable, Hashable {
    package var arguments: [[UInt8]]
}

extension RedisCommand {
    package init(_ arguments: any RedisArgument...) { self.init(arguments) }

    package init(_ arguments: [any RedisArgument]) { self.init(arguments: arguments.map(\.redisBytes)) }
}

/// A value that a command can contain.
package protocol RedisArgument: Sendable {
    var redisBytes: [UInt8] { get }
}

extension String: RedisArgument {
    package var redisBytes: [UInt8] { Array(utf8) }
}

extension Int: RedisArgument {
    package var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension Int64: RedisArgument {
    package var redisBytes: [UInt8] { Array(String(self).utf8) }
}

extension [UInt8]: RedisArgument {
    package var redisBytes: [UInt8] { self }
}

package enum RedisValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case double(Double)
    /// A simple or bulk string.
    case string([UInt8])
    /// An error reply to one command; other commands of the pipeline are unaffected.
    case error(String)
    case array([RedisValue])
    /// Alternating keys and values.
    case map([RedisValue])
    /// A RESP3 push.
    case push([RedisValue])
}

/// A Redis connection that reconnects automatically. Small enough to be replaced by a published client.
package protocol RedisClient: AnyObject, Service {
    /// Sends commands as a pipeline and returns their replies in order. Waits for a connection up to a timeout.
    ///
    /// - Throws: `CeleryError`: `.unreachable` (nothing was sent), `.connectionLost` (unknown), `.refused`. Error
    ///   replies are returned as values.
    func send(_ commands: [RedisCommand]) async throws -> [RedisValue]

    /// When all clients that lost the server together with this one have had time to reconnect; nil without a
    /// connection, in the past for a first one.
    var reconnectDeadline: ContinuousClock.Instant? { get }
}

extension RedisClient {
    /// Sends one command; an error reply is thrown as `CeleryError.server`.
    package func send(_ command: RedisCommand) async throws -> RedisValue { try await send([command]).checked()[0] }
}

extension [RedisValue] {
    /// Throws the first error reply as `CeleryError.server`.
    @discardableResult
    package func checked() throws -> [RedisValue] {
        for case .error(let message) in self { throw CeleryError.server("Redis: \(message)") }
        return self
    }
}

package struct RedisMessage: Sendable, Hashable {
    package var channel: String
    package var payload: [UInt8]
}

/// A Lua script, sent to the server once and then called by its digest.
package struct RedisScript: Sendable {
    package let name: String
    package let source: String
    /// SHA-1 of the source, 40 hexadecimal digits.
    package let digest: String
}

/// Access to replies of scripts; nil for values of another type.
extension RedisValue {
    /// A number, or a text that contains one.
    package var number: Int? { integer ?? text.flatMap { Int($0) } }

    /// An element of an array; null if it is missing.
    package subscript(place: Int) -> RedisValue {
        guard case .array(let elements) = self, elements.indices.contains(place) else { return .null }
        return elements[place]
    }

    package var texts: [String] { elements?.compactMap(\.text) ?? [] }

    /// Whether the server does not have the script.
    package var isUnknownScript: Bool {
        if case .error(let message) = self { message.hasPrefix("NOSCRIPT") } else { false }
    }

    /// A string as text.
    package var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// A string's bytes.
    package var bytes: [UInt8]? {
        if case .string(let bytes) = self { bytes } else { nil }
    }

    package var integer: Int? {
        if case .integer(let number) = self { number } else { nil }
    }

    /// An array's elements, or a map's alternating keys and values.
    package var elements: [RedisValue]? {
        switch self {
        case .array(let elements), .map(let elements), .push(let elements): elements
        default: nil
        }
    }
}

// MARK: - Writing

extension RedisCommand {
    /// Encodes the command: `*` and the number of arguments, then for each `$`, its length and its bytes, with a line
    /// end after each part.
    package func write(to buffer: inout ByteBuffer) {
        let bytes = arguments.reduce(0) { $0 + $1.count }
        let size = bytes + (1 + arguments.count) * RESPWriter.longestHeader + 2 * arguments.count
        // One write: a job's command has up to a hundred short arguments, and five writes each cost more than their
        // bytes.
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

/// Writes into memory that is large enough for all writes.
private struct RESPWriter {
    /// The longest header, in bytes: its sign, the digits of a non-negative number, a line end.
    static let longestHeader = 22

    let memory: UnsafeMutableRawBufferPointer
    private(set) var count = 0

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
    /// Creates a script.
    ///
    /// - Parameter name: A description, which becomes the script's first line.
    package init(_ name: String, _ source: String) {
        let text = "-- dash: \(name)\n\(source)"
        let digest = Hexadecimal.text(Insecure.SHA1.hash(data: Array(text.utf8)))
        self.init(name: name, source: text, digest: digest)
    }

    /// The error for callers of a failed script.
    package func error(_ message: String) -> CeleryError {
        .server("Redis, in the script '\(name)': \(message)")
    }

    /// A call of the script, for a pipeline.
    package func call(keys: [String], arguments: [any RedisArgument] = []) -> RedisScriptCall {
        RedisScriptCall(script: self, keys: keys, arguments: arguments.map(\.redisBytes))
    }
}

/// A script with its keys and arguments.
package struct RedisScriptCall: Sendable {
    package let script: RedisScript
    package let keys: [String]
    package let arguments: [[UInt8]]

    package init(script: RedisScript, keys: [String], arguments: [[UInt8]]) {
        (self.script, self.keys, self.arguments) = (script, keys, arguments)
    }

    /// The command by digest, or with the whole source.
    package func command(whole: Bool = false) -> RedisCommand {
        var parts = (whole ? ["EVAL", script.source] : ["EVALSHA", script.digest]).map(\.redisBytes)
        parts.reserveCapacity(3 + keys.count + arguments.count)
        parts.append(keys.count.redisBytes)
        for key in keys { parts.append(key.redisBytes) }
        parts += arguments
        return RedisCommand(arguments: parts)
    }
}

extension RedisClient {
    /// Runs a script. Sends its source if the server does not have it.
    ///
    /// - Throws: Errors of `send`, and `CeleryError` `.server` for an error of the script.
    package func run(
        _ script: RedisScript,
        keys: [String],
        arguments: [any RedisArgument] = []
    ) async throws -> RedisValue {
        let answer = try await run([script.call(keys: keys, arguments: arguments)])[0]
        if case .error(let message) = answer { throw script.error(message) }
        return answer
    }

    /// Runs several scripts as a pipeline; errors are returned as values. Scripts that the server does not have run
    /// after the others.
    package func run(_ calls: [RedisScriptCall]) async throws -> [RedisValue] {
        var answers = try await send(calls.map { $0.command() })
        let unknown = answers.indices.filter { answers[$0].isUnknownScript }
        guard !unknown.isEmpty else { return answers }
        for (index, answer) in zip(unknown, try await send(unknown.map { calls[$0].command(whole: true) })) {
            answers[index] = answer
        }
        return answers
    }
}
