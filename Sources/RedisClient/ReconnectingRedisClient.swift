package import CeleryProtocol
import Logging
import NIOCore
import ServiceLifecycle
import Support
import Synchronization

/// A Redis connection that reconnects automatically and is shared by many senders. A service.
package final class ReconnectingRedisClient: RedisClient {
    private struct Listeners {
        var streams: [Int: AsyncStream<[RedisValue]?>.Continuation] = [:]
        var last = 0
    }

    private let options: RedisOptions
    private let connection = AsyncLatch<RedisConnection>()
    private let reason = Mutex<CeleryError?>(nil)
    private let listeners = Mutex(Listeners())
    private let outage = Mutex(Outage())

    private struct Outage {
        var hasConnected = false
        /// Nil without a connection.
        var reconnectDeadline: ContinuousClock.Instant?
    }

    package init(_ options: RedisOptions) {
        self.options = options
    }

    package var database: Int { options.url.database }

    /// The current connection, for callers that do not wait for one.
    package var present: RedisConnection? { connection.current }

    package var reconnectDeadline: ContinuousClock.Instant? { outage.withLock { $0.reconnectDeadline } }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
    }

    /// Keeps connected until the task is cancelled, regardless of a graceful shutdown.
    package func keepConnected() async {
        await options.keepConnected(
            onPush: { [self] push in publish(push) },
            onUp: { [self] new in
                outage.withLock { outage in
                    outage.reconnectDeadline = .now + (outage.hasConnected ? options.longestWait : .zero)
                    outage.hasConnected = true
                }
                connection.settle(.success(new))
                if listeners.withLock({ !$0.streams.isEmpty }) { new.listen() }
                publish(nil)
            },
            onDown: { [self] error in
                connection.clear()
                outage.withLock { $0.reconnectDeadline = nil }
                reason.withLock { $0 = error ?? $0 }
                // Fail the waiting callers: a retry does not help against a wrong password.
                if let error, error.code == .refused || error.code == .option { connection.settle(.failure(error)) }
            }
        )
        connection.settle(.failure(CeleryError(.unreachable, "The connection to Redis was closed.")))
    }

    package func send(_ commands: [RedisCommand]) async throws -> [RedisValue] {
        let deadline = ContinuousClock.now + options.connectTimeout
        while true {
            let connection = try await connected(within: ContinuousClock.now.duration(to: deadline))
            do {
                return try await connection.send(commands)
            } catch let error as CeleryError where error.code == .unreachable {
                // Nothing was sent: use the next connection in the remaining time.
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
                "Could not connect to Redis at \(options.url) within \(options.connectTimeout). Is it running?",
                cause: cause
            )
        }
    }

    package func isSame(as other: ReconnectingRedisClient) -> Bool { self === other }

    package func pushes() -> AsyncStream<[RedisValue]?> {
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

    private func publish(_ push: [RedisValue]?) {
        for stream in listeners.withLock({ Array($0.streams.values) }) { stream.yield(push) }
    }
}

extension RedisOptions {
    /// Keeps connected until the task is cancelled.
    ///
    /// - Parameters:
    ///   - onUp: Called with each new connection. If it throws, the connection is closed and replaced.
    ///   - onDown: Called without a connection, with the error of the last attempt; nil after a lost connection.
    package func keepConnected(
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
                    if complaint != nil { logger.notice("Reconnected to Redis.") }
                    complaint = nil
                    backoff.reset()
                    await connection.closed()
                } onCancel: {
                    connection.close()
                }
                onDown(nil)
            } catch {
                let error = error as? CeleryError ?? CeleryError(.unreachable, "Redis at \(url) failed.", cause: error)
                if complaint != error.message, !Task.isCancelled { logger.warning("\(error) Retrying.") }
                complaint = error.message
                onDown(error)
            }
            // The backoff between attempts.
            try? await Task.sleep(for: backoff.next())
        }
    }
}
