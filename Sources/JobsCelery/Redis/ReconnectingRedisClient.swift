import Logging
import NIOCore
import ServiceLifecycle
import Support
import Synchronization

/// A connection to Redis that mends itself, for all who have something to say. A service.
final class ReconnectingRedisClient: RedisClient {
    private struct Listeners {
        var streams: [Int: AsyncStream<[RedisValue]?>.Continuation] = [:]
        var last = 0
    }

    let options: RedisOptions
    private let connection = AsyncLatch<RedisConnection>()
    private let reason = Mutex<CeleryError?>(nil)
    private let listeners = Mutex(Listeners())
    private let outage = Mutex(Outage())

    private struct Outage {
        var hasConnected = false
        /// Nil without a connection.
        var reconnectDeadline: ContinuousClock.Instant?
    }

    init(_ options: RedisOptions) {
        self.options = options
    }

    var database: Int { options.url.database }

    /// The present connection, for those who would rather do without than wait.
    var present: RedisConnection? { connection.current }

    var reconnectDeadline: ContinuousClock.Instant? { outage.withLock { $0.reconnectDeadline } }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
    }

    /// Keeps connected until the task is cancelled, whatever is said of a graceful shutdown.
    func keepConnected() async {
        await options.keepConnected(
            onPush: { [self] push in tell(push) },
            onUp: { [self] new in
                outage.withLock { outage in
                    outage.reconnectDeadline = .now + (outage.hasConnected ? options.longestWait : .zero)
                    outage.hasConnected = true
                }
                connection.settle(.success(new))
                if listeners.withLock({ !$0.streams.isEmpty }) { new.listen() }
                tell(nil)
            },
            onDown: { [self] error in
                connection.clear()
                outage.withLock { $0.reconnectDeadline = nil }
                reason.withLock { $0 = error ?? $0 }
                // Waiting does not help against a wrong password.
                if let error, error.code == .refused || error.code == .option { connection.settle(.failure(error)) }
            }
        )
        connection.settle(.failure(CeleryError(.unreachable, "The connection to Redis was ended.")))
    }

    func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        let deadline = ContinuousClock.now + options.connectTimeout
        while true {
            let connection = try await connected(within: ContinuousClock.now.duration(to: deadline))
            do {
                return try await connection.send(commands)
            } catch let error as CeleryError where error.code == .unreachable {
                // Nothing was sent: the next connection will do, in what is left of the time.
                self.connection.clear(if: { $0 === connection })
            }
        }
    }

    private func connected(within time: Duration) async throws -> RedisConnection {
        if let present { return present }
        return try await connection.wait(for: TimeAmount(time), on: options.group.next()) { [self] in
            let cause = reason.withLock { $0 }
            return CeleryError(
                .unreachable,
                "There was no connection to Redis at \(options.url) for \(options.connectTimeout). Is it running?",
                cause: cause
            )
        }
    }

    func isSame(as other: ReconnectingRedisClient) -> Bool { self === other }

    func pushes() -> AsyncStream<[RedisValue]?> {
        let (stream, continuation) = AsyncStream<[RedisValue]?>.makeStream()
        let number = listeners.withLock { listeners in
            listeners.last += 1
            listeners.streams[listeners.last] = continuation
            return listeners.last
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.listeners.withLock { $0.streams.removeValue(forKey: number) }
        }
        present?.listen()
        return stream
    }

    private func tell(_ push: [RedisValue]?) {
        for stream in listeners.withLock({ Array($0.streams.values) }) { stream.yield(push) }
    }
}

extension RedisOptions {
    /// Keeps a connection, until the task is cancelled.
    ///
    /// - Parameters:
    ///   - onUp: A new connection. When it throws, the connection is given up and another one made.
    ///   - onDown: There is none, with the reason of the last attempt; nil when a connection was lost.
    func keepConnected(
        onPush: @escaping @Sendable ([RedisValue]) -> Void,
        onUp: @Sendable (RedisConnection) async throws -> Void,
        onDown: @Sendable (CeleryError?) -> Void
    ) async {
        var backoff = Backoff(first: shortestWait, longest: longestWait, jitter: 0.5)
        var complaint: String?
        while !Task.isCancelled {
            do {
                let connection = try await RedisConnection.connect(self, onPush: onPush)
                try await withTaskCancellationHandler {
                    defer { connection.close() }
                    try await onUp(connection)
                    if complaint != nil { logger.notice("Redis is there again.") }
                    complaint = nil
                    backoff.reset()
                    await connection.closed()
                } onCancel: {
                    connection.close()
                }
                onDown(nil)
            } catch {
                let error = error as? CeleryError ?? CeleryError(.unreachable, "Redis at \(url) fails.", cause: error)
                if complaint != error.message, !Task.isCancelled { logger.warning("\(error) Trying again.") }
                complaint = error.message
                onDown(error)
            }
            // A back-off between attempts.
            try? await Task.sleep(for: backoff.next())
        }
    }
}
