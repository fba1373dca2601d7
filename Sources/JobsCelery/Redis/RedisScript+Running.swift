import Crypto
import Support

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
