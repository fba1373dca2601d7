import CeleryProtocol
import DashJSON
import RedisClient
import Synchronization

/// Stores or forwards results.
package protocol ResultStore: Sendable {
    /// Stores and publishes the state of a task.
    ///
    /// - Returns: false if the task has already succeeded: a success is never overwritten.
    @discardableResult
    func store(_ meta: ResultMeta) async throws -> Bool

    /// Stores several states in order, in one operation if the store can.
    ///
    /// - Throws: An error if any state could not be stored; all may then be stored again.
    func store(_ metas: [ResultMeta]) async throws

    /// The store if it is in Redis, where scripts store results together with other data.
    var inRedis: RedisResults? { get }

    /// The stored states of tasks, in the order of `ids`; nil for those without one.
    func read(_ ids: [String]) async throws -> [ResultMeta?]
}

extension ResultStore {
    func store(_ metas: [ResultMeta]) async throws {
        for meta in metas { try await store(meta) }
    }

    var inRedis: RedisResults? { nil }
}

/// Counts the parts of chords.
protocol ChordStore: Sendable {
    /// Sets the number of a chord's parts, before the first of them is sent.
    func open(_ group: String, size: Int) async throws

    /// Counts the completion of a part; repeated calls count once.
    ///
    /// - Returns: The chord if this was the last part and no other worker sends its body: then send it and `close` the
    ///   chord. A repeated call with the same `claim`, after the body could not be sent, returns the chord again.
    func end(_ part: ChordPart) async throws -> CompleteChord?

    /// Extends the claim immediately before the body is sent.
    ///
    /// - Returns: false if another worker has taken over.
    func keep(_ chord: CompleteChord) async throws -> Bool

    /// Cleans up after the body was sent.
    func close(_ chord: CompleteChord) async throws

    /// Cleans up after the body has failed.
    func fail(_ chord: CompleteChord) async throws
}

/// Follows one task: its stored state, then the messages of its channel, until it has completed.
final class ResultWatch: Sendable {
    private let id: String
    private let results: RedisResults
    private let messages: AsyncStream<RedisMessage?>
    /// The next state to deliver, and whether it is the last.
    private let state: Mutex<(pending: ResultMeta?, isOver: Bool)>

    init(id: String, results: RedisResults, messages: AsyncStream<RedisMessage?>, first: ResultMeta?) {
        self.id = id
        self.results = results
        self.messages = messages
        state = Mutex((first, false))
    }

    /// The next state; nil after the last. For a single reader.
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

    /// The state in a message or, after a lost connection, the stored one.
    private func meta(of message: RedisMessage?) async -> ResultMeta? {
        guard let message else { return try? await results.read([id])[0] }
        return try? ResultMeta(reading: message.payload, taskID: id)
    }
}
