import DashJSON

/// Results in Redis, as Celery's own result backend keeps them.
struct RedisResults: ResultStore {
    let redis: any RedisClient
    let subscriber: any RedisSubscriber
    let settings: ResultSettings

    init(redis: any RedisClient, subscriber: any RedisSubscriber, settings: ResultSettings = ResultSettings()) {
        self.redis = redis
        self.subscriber = subscriber
        self.settings = settings
    }

    @discardableResult
    func store(_ meta: ResultMeta) async throws -> Bool {
        let answer = try await redis.run(
            ResultScripts.store,
            keys: [settings.key(of: meta.taskID)],
            arguments: [meta.jsonBytes(), settings.expires]
        )
        return answer.integer == 1
    }

    func store(_ metas: [ResultMeta]) async throws {
        let arguments: [any RedisArgument] = [settings.expires]
        _ = try await redis.run(
            ResultScripts.storeAll,
            keys: metas.map { settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() }
        )
    }

    var inRedis: RedisResults? { self }

    func read(_ ids: [String]) async throws -> [ResultMeta?] {
        guard !ids.isEmpty else { return [] }
        let command = ["MGET"] + ids.map { settings.key(of: $0) }
        let answer = try await redis.send(RedisCommand(arguments: command.map(\.redisBytes)))
        guard let values = answer.elements, values.count == ids.count else {
            throw CeleryError(.server, "Redis gave no list of results.")
        }
        var metas: [ResultMeta?] = []
        for (id, value) in zip(ids, values) {
            metas.append(
                try value.bytes.map { bytes throws(CeleryError) in try ResultMeta(reading: bytes, taskID: id) }
            )
        }
        return metas
    }

    func watch(_ id: String) async throws -> AsyncStream<ResultMeta> {
        // First the subscription, then the look: nothing is missed in between.
        let messages = try await subscriber.messages(of: settings.key(of: id), isPattern: false)
        let watch = ResultWatch(id: id, results: self, messages: messages, first: try await read([id])[0])
        return AsyncStream { await watch.next() }
    }

    func forget(_ id: String) async throws {
        _ = try await redis.send(RedisCommand("DEL", settings.key(of: id)))
    }
}

/// How results are kept in Redis.
struct ResultSettings: Sendable, Hashable {
    /// The seconds that results and chords are kept (`result_expires`); 0 keeps them for ever.
    var expires = 86_400
    /// Stands before all keys (`global_keyprefix`).
    var keyPrefix = ""

    /// The key of a task's result, which is the name of its channel too.
    func key(of taskID: String) -> String { "\(prefix)celery-task-meta-\(taskID)" }

    /// The keys of a group or chord; `part` is `.s` and the like, or nothing.
    func groupKey(_ group: String, _ part: String = "") -> String { "\(prefix)celery-taskset-meta-\(group)\(part)" }

    /// Celery adds a `_` unless the prefix ends in a mark of its own.
    private var prefix: String {
        guard let last = keyPrefix.last else { return "" }
        return ":_-.".contains(last) ? keyPrefix : keyPrefix + "_"
    }
}
