import Jobs
import Logging
import ServiceLifecycle
import Support
import Synchronization

/// What the web servers of one site share, in Redis.
///
/// Keys, all under a prefix (`dash:`):
///
/// | key | type | content |
/// |---|---|---|
/// | `fleet:places:<group>` | hash | for each place a line each of its value, the value's order, and the value before |
/// | `fleet:orders:<group>` | sorted set | the last orders of marks, and of places that are empty |
/// | `fleet:once:<name>` | hash | `made`, or who makes it: `server` and `token` |
/// | `fleet:pause:<name>` | string | there while the pause goes on |
/// | `fleet:polls:<group>` | sorted set | who holds, as `<server>/<holder>`, by when it began |
///
/// Each server listens to `fleet:server:<id>`, which also tells the others that it lives; what was made once is told on
/// `fleet:once:<name>`. All is forgotten by Redis itself, when nobody has touched it for its time.
final class RedisFleet: JobFleet {
    /// A holder whose server does not say that it let go counts for no longer.
    static let longestHold = Duration.seconds(60)
    /// Notes that Redis has not been told yet; what is beyond is dropped, as the polls of then are long over.
    private static let outboxCapacity = 10_000

    let redis: any RedisClient
    let subscriber: any RedisSubscriber
    let prefix: String
    /// This run of this server.
    let server: String
    private let logger: Logger
    private let outbox = Mutex<[RedisScriptCall]>([])
    private let noted = AsyncSignal()
    private let released: AsyncStream<String>
    private let release: AsyncStream<String>.Continuation

    /// Makes a server's part; nothing is connected before ``run()``, which runs the connections too.
    ///
    /// - Parameter prefix: Stands before all keys and channels.
    init(redis: any RedisClient, subscriber: any RedisSubscriber, prefix: String = "dash:", logger: Logger) {
        self.redis = redis
        self.subscriber = subscriber
        self.prefix = prefix
        self.logger = logger
        server = JobID.new.text
        (released, release) = AsyncStream.makeStream()
    }

    /// A server's part with connections of its own.
    convenience init(_ options: RedisOptions, prefix: String = "dash:") {
        var options = options
        options.name = "dash-fleet"
        self.init(
            redis: ReconnectingRedisClient(options),
            subscriber: RedisPubSub(options),
            prefix: prefix,
            logger: options.logger
        )
    }

    func run() async throws {
        defer { release.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [redis] in try await redis.run() }
            group.addTask { [subscriber] in try await subscriber.run() }
            group.addTask { [self] in await cancelWhenGracefulShutdown { [self] in await hearReleases() } }
            group.addTask { [self] in await cancelWhenGracefulShutdown { [self] in await sendNotes() } }
            try await group.waitForAll()
        }
    }

    func releases() -> AsyncStream<String> { released }

    func hold(_ holder: String, in group: String, limit: Int) {
        let arguments: [any RedisArgument] = [
            group, "\(server)/\(holder)", limit, Self.longestHold.microseconds,
        ]
        note(FleetScripts.hold.call(keys: [prefix], arguments: arguments))
    }

    func letGo(_ holder: String, in group: String) {
        note(FleetScripts.letGo.call(keys: [prefix], arguments: [group, "\(server)/\(holder)"]))
    }

    private func note(_ call: RedisScriptCall) {
        outbox.withLock { outbox in
            if outbox.count >= Self.outboxCapacity { outbox.removeFirst(Self.outboxCapacity / 2) }
            outbox.append(call)
        }
        noted.signal()
    }

    /// Sends what there is in one go, whenever there is something.
    private func sendNotes() async {
        while await noted.wait() {
            let calls = outbox.withLock { outbox in
                defer { outbox = [] }
                return outbox
            }
            do {
                _ = try await redis.run(calls)
            } catch {
                logger.debug("Held polls could not be told of", metadata: ["error": "\(error)"])
            }
        }
    }

    private func hearReleases() async {
        let channel = FleetScripts.channel(ofServer: server, prefix: prefix)
        while !Task.isCancelled {
            do {
                for await message in try await subscriber.messages(of: channel, isPattern: false) {
                    guard let message else { continue }
                    release.yield(String(decoding: message.payload, as: UTF8.self))
                }
            } catch {
                logger.warning("Redis does not answer to this server", metadata: ["error": "\(error)"])
                // A back-off: the connection mends itself meanwhile.
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}

extension Duration {
    /// Whole milliseconds, at least 1: Redis takes no 0 for a time.
    var redisMilliseconds: Int64 { max(1, components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000) }
    /// Whole microseconds.
    fileprivate var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
