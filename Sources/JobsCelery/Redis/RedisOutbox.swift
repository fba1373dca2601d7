import NIOCore
import Synchronization

/// What waits for answers to what was said.
struct RedisExchange: Sendable {
    var missing: Int
    var answers: [RedisValue] = []
    /// Whether it is answered by the confirmation of a subscription, which RESP3 sends as a push.
    var isSubscription = false
    let done: @Sendable (Result<[RedisValue], any Error>) -> Void
}

/// What is to be said on a connection: filled by any thread, emptied by the connection's loop in one write.
final class RedisOutbox: Sendable {
    private struct State {
        var bytes = ByteBuffer()
        var exchanges: [RedisExchange] = []
        var isAwaited = false
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Adds commands.
    ///
    /// - Parameter exchange: Who waits for the answers; nil for commands that have none, such as SUBSCRIBE.
    /// - Returns: whether the loop is to be asked to empty the box; nil when it is closed, and nothing was added.
    func add(_ commands: [RedisCommand], _ exchange: RedisExchange?) -> Bool? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            for command in commands { command.write(to: &state.bytes) }
            if let exchange { state.exchanges.append(exchange) }
            defer { state.isAwaited = true }
            return !state.isAwaited
        }
    }

    /// Takes everything out.
    func empty(closing: Bool = false) -> (bytes: ByteBuffer, exchanges: [RedisExchange]) {
        state.withLock { state in
            defer { state = State(isClosed: closing) }
            return (state.bytes, state.exchanges)
        }
    }
}
