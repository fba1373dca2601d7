import CeleryProtocol

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

    /// Stores the metas of completions.
    func store(_ completions: [TaskCompletion]) async throws {
        let metas = completions.compactMap(\.meta)
        if !metas.isEmpty { try await store(metas) }
    }

    var inRedis: RedisResults? { nil }
}
