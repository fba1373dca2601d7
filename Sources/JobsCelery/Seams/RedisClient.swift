import ServiceLifecycle

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
