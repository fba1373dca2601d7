import DashJSON

extension ResultStore {
    /// Stores several results, in their order and in one go where the store can.
    ///
    /// - Throws: when any could not be stored; all may be stored again then.
    func store(_ metas: [ResultMeta]) async throws {
        if let redis = self as? RedisResults { return try await redis.storeTogether(metas) }
        for meta in metas { try await store(meta) }
    }
}

extension RedisResults {
    fileprivate func storeTogether(_ metas: [ResultMeta]) async throws {
        let calls = metas.map { meta in
            ResultScripts.store.call(
                keys: [settings.key(of: meta.taskID)],
                arguments: [meta.jsonBytes(), settings.expires]
            )
        }
        for answer in try await redis.run(calls) {
            if case .error(let message) = answer {
                throw CeleryError(.server, "Redis did not store a result: \(message)")
            }
        }
    }
}
