import CeleryProtocol
import Jobs
import Logging
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// The state that the web servers of one site share, in Redis.
///
/// Keys, all under a prefix (`dash:`):
///
/// | key | type | content |
/// |---|---|---|
/// | `fleet:places:<group>` | hash | for each slot three lines: value, order of the value, previous value |
/// | `fleet:orders:<group>` | sorted set | the last orders of watermarks and of empty slots |
/// | `fleet:once:<name>` | hash | the memoized value `made`, or its producer: `server` and `token` |
/// | `fleet:pause:<name>` | string | exists during the cooldown |
/// | `fleet:polls:<group>` | sorted set | holders, as `<server>/<holder>`, by start time |
///
/// Each server subscribes to `fleet:server:<id>`, which also shows the others that it is alive. A memoized value is
/// announced on `fleet:once:<name>`. All keys expire.
final class RedisSharedState: SharedState {
    /// A holder that its server does not release expires after this time.
    static let longestHold = Duration.seconds(60)
    /// Limit of unsent calls. The oldest half is dropped beyond it: their polls have ended.
    private static let outboxCapacity = 10_000

    private let redis: ReconnectingRedisClient
    private let subscriber: RedisPubSub
    private let prefix: String
    /// The id of this server process.
    private let server: String
    private let logger: Logger
    private let outbox = Mutex<[RedisScriptCall]>([])
    private let noted = AsyncSignal()
    private let released: AsyncStream<String>
    private let release: AsyncStream<String>.Continuation

    /// Does not connect before ``run()``, which runs the connections too.
    ///
    /// - Parameter prefix: Prefix of all keys and channels.
    init(_ options: RedisOptions, prefix: String = "dash:") {
        var options = options
        options.name = "dash-fleet"
        redis = ReconnectingRedisClient(options)
        subscriber = RedisPubSub(options)
        self.prefix = prefix
        logger = options.logger
        server = JobID.new.text
        (released, release) = AsyncStream.makeStream()
    }

    func run() async throws {
        let subscription = subscriber.subscribe(to: prefix + "fleet:server:" + server) { [release] message in
            if let message { release.yield(String(decoding: message.payload, as: UTF8.self)) }
        }
        defer {
            subscription.end()
            release.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [redis] in try await redis.run() }
            group.addTask { [subscriber] in try await subscriber.run() }
            group.addTask { [self] in await cancelWhenGracefulShutdown { [self] in await sendNotes() } }
            try await group.waitForAll()
        }
    }

    func releases() -> AsyncStream<String> { released }

    func hold(_ holder: String, in group: String, limit: Int) {
        let arguments: [any RedisArgument] = [group, "\(server)/\(holder)", limit, Self.longestHold.microseconds]
        note(SharedStateScripts.hold.call(keys: [prefix], arguments: arguments))
    }

    func release(_ holder: String, in group: String) {
        note(SharedStateScripts.release.call(keys: [prefix], arguments: [group, "\(server)/\(holder)"]))
    }

    private func note(_ call: RedisScriptCall) {
        outbox.withLock { outbox in
            if outbox.count >= Self.outboxCapacity { outbox.removeFirst(Self.outboxCapacity / 2) }
            outbox.append(call)
        }
        noted.signal()
    }

    /// Sends the calls in the outbox in one round trip each time it is signaled.
    private func sendNotes() async {
        while await noted.wait() {
            let calls = outbox.withLock { outbox in
                defer { outbox = [] }
                return outbox
            }
            do {
                _ = try await redis.run(calls)
            } catch {
                logger.debug("Held polls could not be reported", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds, at least 1: Redis rejects an expiry of 0.
    var redisMilliseconds: Int64 { max(1, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000) }
    /// Whole microseconds.
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}

// MARK: - Memoized values

extension RedisSharedState {
    private enum Turn {
        case mine
        case made([UInt8])
        case wait
    }

    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        let token = JobID.new.text
        while true {
            switch try await turn(for: name, token, lifetime) {
            case .made(let bytes): return bytes
            case .wait: try await end(ofMaking: name, token, lifetime)
            case .mine:
                do {
                    let bytes = try await make()
                    await keep(bytes, name, token, lifetime)
                    return bytes
                } catch {
                    _ = try? await call(SharedStateScripts.endClaim, [name, token])
                    throw error
                }
            }
        }
    }

    /// Stores the value, with retries for some seconds: it must not be made twice, and other servers wait for it.
    private func keep(_ bytes: [UInt8], _ name: String, _ token: String, _ lifetime: Duration) async {
        let deadline = ContinuousClock.now + .seconds(6)
        await retrying(first: .milliseconds(100), until: { .now > deadline }) {
            _ = try await call(SharedStateScripts.endClaim, [name, token, lifetime.redisMilliseconds, bytes])
        }
    }

    private func turn(for name: String, _ token: String, _ lifetime: Duration) async throws -> Turn {
        let answer = try await call(SharedStateScripts.claim, [name, server, token, lifetime.redisMilliseconds])
        switch answer {
        case .string(let bytes): return .made(bytes)
        case .integer(1): return .mine
        default: return .wait
        }
    }

    /// Waits until another server has stored the value or failed, for at most a second: a server that dies publishes
    /// nothing.
    private func end(ofMaking name: String, _ token: String, _ lifetime: Duration) async throws {
        let bell = AsyncSignal()
        let subscription = subscriber.subscribe(to: prefix + "fleet:once:" + name) { _ in bell.signal() }
        defer { subscription.end() }
        try await subscription.confirmed()
        // The value may have been stored before the subscription began.
        if case .wait = try await turn(for: name, token, lifetime) { await bell.wait(atMost: .seconds(1)) }
        try Task.checkCancellation()
    }
}

// MARK: - Slots

extension RedisSharedState {
    /// The lifetime of a group's orders in milliseconds, longer than any request is in flight, and their limit. The
    /// lowest are dropped: they belong to the oldest requests.
    private static let orders: [any RedisArgument] = [3_600_000, 1000]

    func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) async throws -> SlotReplacement {
        let order = value.order.map { String($0) } ?? ""
        let answer = try await call(
            SharedStateScripts.replace,
            [group, slot, value.text, order, lifetime.redisMilliseconds] + watermarks.sorted()
        )
        return answer.integer == 0 ? .late : .placed(before: answer.text)
    }

    func values(in group: String) async throws -> [String: SharedValue] {
        let answer = try await send("HGETALL", prefix + "fleet:places:" + group)
        let texts = (answer.elements ?? []).map { $0.text ?? "" }
        return stride(from: 0, to: texts.count - 1, by: 2).reduce(into: [:]) { values, position in
            let lines = texts[position + 1].split(separator: "\n", omittingEmptySubsequences: false)
            values[texts[position]] = SharedValue(String(lines[0]), order: lines.dropFirst().first.flatMap { Int($0) })
        }
    }

    func remove(_ slot: String, in group: String, ifStill text: String) async throws -> Bool {
        try await call(SharedStateScripts.remove, [group, slot, text] + Self.orders).integer == 1
    }

    func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) async throws {
        _ = try await call(SharedStateScripts.mark, [group, order] + Self.orders + names.sorted())
    }

    func startCooldown(_ name: String, for duration: Duration) async throws {
        _ = try await send("SET", prefix + "fleet:pause:" + name, "", "PX", duration.redisMilliseconds)
    }

    func cooldown(_ name: String) async throws -> Duration? {
        let rest = try await send("PTTL", prefix + "fleet:pause:" + name)
        return rest.integer.flatMap { $0 > 0 ? .milliseconds($0) : nil }
    }

    private func send(_ arguments: any RedisArgument...) async throws -> RedisValue {
        try await answer { try await redis.send(RedisCommand(arguments)) }
    }

    private func call(_ script: RedisScript, _ arguments: [any RedisArgument]) async throws -> RedisValue {
        try await answer { try await redis.run(script, keys: [prefix], arguments: arguments) }
    }

    /// Calls Redis, again after a lost connection: all calls here are idempotent.
    ///
    /// - Throws: `JobsError.storage`.
    private func answer(_ ask: () async throws -> RedisValue) async throws -> RedisValue {
        do {
            do {
                return try await ask()
            } catch let error as CeleryError where error.code == .connectionLost {
                return try await ask()
            }
        } catch {
            throw JobsError(.storage, "The state that the web servers share is unavailable.", cause: error)
        }
    }
}
