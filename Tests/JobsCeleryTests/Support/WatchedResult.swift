@testable import CeleryProtocol
@testable import JobsCelery
@testable import RedisClient

extension RedisPubSub {
    /// The state of a task, now and after each change, until it has completed. A state may be repeated.
    func watch(_ id: String, in results: RedisResults) async throws -> WatchedResult {
        // Subscribe before reading, so that no change is missed.
        let messages = try await messages(of: results.settings.key(of: id))
        return WatchedResult(id: id, results: results, messages: messages, first: try await results.read([id])[0])
    }
}

/// The states of a task; see `RedisPubSub.watch`.
struct WatchedResult: AsyncSequence, Sendable {
    fileprivate let id: String
    fileprivate let results: RedisResults
    fileprivate let messages: AsyncStream<RedisMessage?>
    fileprivate let first: ResultMeta?

    struct AsyncIterator: AsyncIteratorProtocol {
        private let watched: WatchedResult
        private var messages: AsyncStream<RedisMessage?>.Iterator
        private var pending: ResultMeta?
        private var isOver = false

        fileprivate init(_ watched: WatchedResult) {
            self.watched = watched
            messages = watched.messages.makeAsyncIterator()
            pending = watched.first
        }

        mutating func next(isolation actor: isolated (any Actor)?) async -> ResultMeta? {
            guard !isOver else { return nil }
            var meta = pending.take()
            while meta == nil, let message = await messages.next(isolation: actor) {
                meta = await watched.meta(of: message)
            }
            isOver = meta?.status.isReady ?? true
            return meta
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }

    /// The state in a message; after a lost connection the stored one, which may be newer.
    private func meta(of message: RedisMessage?) async -> ResultMeta? {
        guard let message else { return try? await results.read([id])[0] }
        return try? ResultMeta(reading: message.payload, taskID: id)
    }
}
