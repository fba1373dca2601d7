import CeleryProtocol
import DashJSON
import RedisClient

/// Stores or forwards results.
package protocol ResultStore: Sendable {
    /// Stores and publishes states of tasks, in order. A stored success is never overwritten.
    ///
    /// - Throws: An error if any state could not be stored; all may then be stored again.
    func store(_ metas: [ResultMeta]) async throws

    /// The store if it is in Redis, where scripts store results together with other data.
    var inRedis: RedisResults? { get }

    /// The stored states of tasks, in the order of `ids`; nil for those without one.
    func read(_ ids: [String]) async throws -> [ResultMeta?]
}

extension ResultStore {
    func store(_ meta: ResultMeta) async throws { try await store([meta]) }

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
