package import CeleryProtocol
import Logging
import NIOCore
import ServiceLifecycle
import Support
import Synchronization

/// A Redis connection that reconnects automatically and is shared by many senders. A service.
package final class ReconnectingRedisClient: RedisClient {
    private struct State {
        var hasConnected = false
        /// Nil without a connection.
        var reconnectDeadline: ContinuousClock.Instant?
        /// Why the last attempt failed.
        var reason: CeleryError?
    }

    private let options: RedisOptions
    private let connection = AsyncLatch<RedisConnection>()
    private let state = Mutex(State())

    package init(_ options: RedisOptions) {
        self.options = options
    }

    /// The current connection, for callers that do not wait for one.
    package var present: RedisConnection? { connection.current }

    package var reconnectDeadline: ContinuousClock.Instant? { state.withLock { $0.reconnectDeadline } }

    func run() async throws {
        await cancelWhenGracefulShutdown { await self.keepConnected() }
    }

    /// Keeps connected until the task is cancelled, regardless of a graceful shutdown.
    ///
    /// - Parameter onPush: Receives the pushes, and `nil` for each new connection, which has no subscriptions yet.
    package func keepConnected(onPush: (@Sendable ([RedisValue]?) -> Void)? = nil) async {
        await options.keepConnected(
            onPush: onPush,
            onUp: { [self] new in
                state.withLock { state in
                    state.reconnectDeadline = .now + (state.hasConnected ? options.longestWait : .zero)
                    state.hasConnected = true
                }
                connection.settle(.success(new))
                onPush?(nil)
            },
            onDown: { [self] error in
                connection.clear()
                state.withLock { state in
                    state.reconnectDeadline = nil
                    state.reason = error ?? state.reason
                }
                // Fail the waiting callers: a retry does not help against a wrong password.
                if let error, error.code == .refused || error.code == .option { connection.settle(.failure(error)) }
            }
        )
        connection.settle(.failure(CeleryError.unreachable("The connection to Redis was closed.")))
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
            CeleryError.unreachable(
                "Could not connect to Redis at \(options.url) within \(options.connectTimeout). Is it running?",
                cause: state.withLock { $0.reason }
            )
        }
    }
}

extension RedisOptions {
    /// Keeps connected until the task is cancelled.
    ///
    /// - Parameters:
    ///   - onPush: Receives pushes; see `RedisConnection.connect`.
    ///   - onUp: Called with each new connection. If it throws, the connection is closed and replaced.
    ///   - onDown: Called without a connection, with the error of the last attempt; nil after a lost connection.
    package func keepConnected(
        onPush: (@Sendable ([RedisValue]) -> Void)?,
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
                let error = error as? CeleryError ?? .unreachable("Redis at \(url) failed.", cause: error)
                if complaint != error.message, !Task.isCancelled { logger.warning("\(error) Retrying.") }
                complaint = error.message
                onDown(error)
            }
            // The backoff between attempts.
            try? await Task.sleep(for: backoff.next())
        }
    }
}
