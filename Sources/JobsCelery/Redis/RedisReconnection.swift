import Logging
import Support

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
