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
        let arguments: [any RedisArgument] = [settings.expires]
        _ = try await redis.run(
            ResultScripts.storeAll,
            keys: metas.map { settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() }
        )
    }
}
