import Synchronization

/// Follows one task: what was stored first, then what its channel tells, until it has ended.
final class ResultWatch: Sendable {
    private let id: String
    private let results: RedisResults
    private let messages: AsyncStream<RedisMessage?>
    /// What is to be told next, and whether nothing follows.
    private let state: Mutex<(pending: ResultMeta?, isOver: Bool)>

    init(id: String, results: RedisResults, messages: AsyncStream<RedisMessage?>, first: ResultMeta?) {
        self.id = id
        self.results = results
        self.messages = messages
        state = Mutex((first, false))
    }

    /// The next news; nil when there are none any more. To be called by one reader.
    func next() async -> ResultMeta? {
        if let meta = takePending() { return meta }
        if state.withLock({ $0.isOver }) { return nil }
        for await message in messages {
            guard let meta = await meta(of: message) else { continue }
            state.withLock { $0.isOver = meta.status.isReady }
            return meta
        }
        return nil
    }

    private func takePending() -> ResultMeta? {
        state.withLock { state in
            defer { state.pending = nil }
            state.isOver = state.isOver || state.pending?.status.isReady == true
            return state.pending
        }
    }

    /// What a message tells; after a lost connection, what is stored.
    private func meta(of message: RedisMessage?) async -> ResultMeta? {
        guard let message else { return try? await results.read([id])[0] }
        return try? ResultMeta(reading: message.payload, taskID: id)
    }
}
