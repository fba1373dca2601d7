import CeleryProtocol
import DashJSON
import RedisClient

/// Results in Redis, in the format of Celery's result backend.
package struct RedisResults: ResultStore {
    let redis: any RedisClient
    let subscriber: any RedisSubscriber
    let settings: ResultSettings

    init(redis: any RedisClient, subscriber: any RedisSubscriber, settings: ResultSettings = ResultSettings()) {
        self.redis = redis
        self.subscriber = subscriber
        self.settings = settings
    }

    package func store(_ metas: [ResultMeta]) async throws {
        let arguments: [any RedisArgument] = [settings.expires]
        _ = try await redis.run(
            ResultScripts.store,
            keys: metas.map { settings.key(of: $0.taskID) },
            arguments: arguments + metas.map { $0.jsonBytes() }
        )
    }

    package var inRedis: RedisResults? { self }

    package func read(_ ids: [String]) async throws -> [ResultMeta?] {
        guard !ids.isEmpty else { return [] }
        let command = ["MGET"] + ids.map { settings.key(of: $0) }
        let answer = try await redis.send(RedisCommand(arguments: command.map(\.redisBytes)))
        guard let values = answer.elements, values.count == ids.count else {
            throw CeleryError(.server, "Redis did not return a list of results.")
        }
        var metas: [ResultMeta?] = []
        for (id, value) in zip(ids, values) {
            metas.append(
                try value.bytes.map { bytes throws(CeleryError) in try ResultMeta(reading: bytes, taskID: id) }
            )
        }
        return metas
    }

    /// The state of a task, now and after each change, until it has completed. A state may be repeated.
    func watch(_ id: String) async throws -> WatchedResult {
        // Subscribe before reading, so that no change is missed.
        let messages = try await subscriber.messages(of: settings.key(of: id), isPattern: false)
        return WatchedResult(id: id, results: self, messages: messages, first: try await read([id])[0])
    }
}

/// The states of a task; see ``RedisResults/watch(_:)``.
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

struct ResultSettings: Sendable, Hashable {
    /// How long results and chords are kept, in seconds (`result_expires`); 0 for indefinitely.
    var expires = 86_400
    /// The prefix of all keys (`global_keyprefix`).
    var keyPrefix = ""

    /// The key of a task's result, also the name of its channel.
    func key(of taskID: String) -> String { "\(prefix)celery-task-meta-\(taskID)" }

    /// A key of a group or chord; `part` is a suffix such as `.s`.
    func groupKey(_ group: String, _ part: String = "") -> String { "\(prefix)celery-taskset-meta-\(group)\(part)" }

    /// Celery appends `_` unless the prefix ends in a separator.
    private var prefix: String {
        guard let last = keyPrefix.last else { return "" }
        return ":_-.".contains(last) ? keyPrefix : keyPrefix + "_"
    }
}

// MARK: - Chords

extension RedisResults: ChordStore {
    /// Celery's default times, in seconds: twice the join timeout, the send timeout, and how long late duplicates are
    /// ignored.
    private static let (claimTime, sendingTime, doneTime) = (6, 21, 300)

    func open(_ group: String, size: Int) async throws {
        let size =
            settings.expires > 0
            ? RedisCommand("SET", settings.groupKey(group, ".s"), size, "EX", settings.expires)
            : RedisCommand("SET", settings.groupKey(group, ".s"), size)
        for answer in try await redis.send([RedisCommand("DEL", settings.groupKey(group, ".c")), size]) {
            if case .error(let message) = answer { throw CeleryError(.server, "Redis: \(message)") }
        }
    }

    func end(_ part: ChordPart) async throws -> CompleteChord? {
        let record = JSONRecord(part).jsonBytes()
        let answer = try await redis.run(
            ResultScripts.endPart,
            keys: [".j", ".t", ".s", ".d", "", ".c"].map { settings.groupKey(part.group, $0) },
            arguments: [
                part.taskID, record, part.index.map(String.init) ?? "+inf", settings.expires,
                Self.claimTime, part.claim,
            ]
        )
        guard let parts = answer.elements, parts.count == 2, let records = parts[1].elements else { return nil }
        let outcome: Result<RawJSON, TaskException>
        if let structure = parts[0].bytes {
            outcome = await joined(structure)
        } else {
            outcome = Self.results(records.compactMap(\.bytes))
        }
        return CompleteChord(part: part, outcome: outcome)
    }

    func keep(_ chord: CompleteChord) async throws -> Bool {
        let answer = try await redis.run(
            ResultScripts.keepClaim,
            keys: [".c", ".s"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.sendingTime]
        )
        return answer.integer == 1
    }

    func close(_ chord: CompleteChord) async throws {
        _ = try await redis.run(
            ResultScripts.closeChord,
            keys: [".c", ".j", ".t", ".s", ".d"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.doneTime]
        )
    }

    func fail(_ chord: CompleteChord) async throws {
        // A late duplicate of a part must not fail the chord again.
        _ = try await redis.send(RedisCommand("DEL", settings.groupKey(chord.part.group, ".s")))
    }

    /// The results of the parts in order, or the failure of the first failed part.
    static func results(_ records: [[UInt8]]) -> Result<RawJSON, TaskException> {
        var results: [RawJSON] = []
        for record in records {
            guard let part = JSONRecord(reading: record) else {
                return .failure(.chordError("A part of the chord has no readable result."))
            }
            if part.state.propagates {
                let cause = TaskException(json: part.result.json)
                return .failure(.chordError("Dependency \(part.taskID) raised \(cause.repr)"))
            }
            results.append(part.result)
        }
        var writer = JSONWriter()
        writer.array(of: results)
        return .success(RawJSON(unchecked: writer.bytes))
    }
}

/// The stored form of a chord's part: `[1, id, status, result]`.
struct JSONRecord: JSONEncodable {
    var taskID: String
    var state: TaskState
    var result: RawJSON

    init(_ part: ChordPart) {
        (taskID, state, result) = (part.taskID, part.state, part.result)
    }

    /// Reads a record; nil if it is invalid.
    init?(reading text: [UInt8]) {
        guard let parts = try? JSONScanner.elements(of: PythonJSON.strict(text)[...]), parts.count == 4,
            let id = try? JSON(parsing: Array(parts[1])).stringValue,
            let state = try? JSON(parsing: Array(parts[2])).stringValue
        else { return nil }
        (taskID, self.state, result) = (id, TaskState(rawValue: state), RawJSON(unchecked: Array(parts[3])))
    }

    func encode(to writer: inout JSONWriter) {
        writer.array(of: [RawJSON(1), RawJSON(taskID), RawJSON(state.rawValue), result])
    }
}

/// The structure of a group with nested groups, as stored by Python.
indirect enum ResultTree: Sendable, Hashable {
    case task(String)
    case group([ResultTree])

    /// Reads `[[id, parent], null]` (a task) or `[[id, parent], [child, …]]` (a group).
    init?(_ json: JSON) {
        guard let pair = json.arrayValue, pair.count == 2 else { return nil }
        if let children = pair[1].arrayValue {
            let trees = children.compactMap { ResultTree($0) }
            guard trees.count == children.count else { return nil }
            self = .group(trees)
        } else {
            guard let id = pair[0][0].stringValue ?? pair[0].stringValue else { return nil }
            self = .task(id)
        }
    }

    /// The IDs of the tasks in order.
    var ids: [String] {
        switch self {
        case .task(let id): [id]
        case .group(let trees): trees.flatMap(\.ids)
        }
    }

    /// The tasks' values in this structure.
    func values(_ metas: [String: ResultMeta]) -> JSON {
        switch self {
        case .task(let id): metas[id]?.result.json ?? .null
        case .group(let trees): .array(trees.map { $0.values(metas) })
        }
    }
}

extension RedisResults {
    /// How long to wait for the results of parts, which are usually available (`result_chord_join_timeout`).
    private static let patience = Duration.seconds(3)

    /// The results of a chord with a nested header, `{"result": tree}`.
    func joined(_ structure: [UInt8]) async -> Result<RawJSON, TaskException> {
        guard let json = try? PythonJSON.parse(structure), let tree = ResultTree(json["result"]) else {
            return .failure(.chordError("The structure of the chord's header cannot be read."))
        }
        var metas: [String: ResultMeta] = [:]
        for id in Set(tree.ids) {
            guard let meta = await end(of: id) else {
                return .failure(.chordError("Join error: TimeoutError('The operation timed out.')"))
            }
            if meta.status.propagates {
                return .failure(.chordError("Join error: \(meta.exception?.repr ?? "")"))
            }
            metas[id] = meta
        }
        return .success(RawJSON(json: tree.values(metas)))
    }

    /// Waits for the completion of a task, up to the timeout.
    private func end(of id: String) async -> ResultMeta? {
        await withTaskGroup(of: ResultMeta?.self) { group in
            group.addTask {
                guard let metas = try? await watch(id) else { return nil }
                return await metas.first { $0.status.isReady }
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
    }
}

/// The Lua scripts of results.
enum ResultScripts {
    /// A Lua function for scripts that store results: `store_meta(key, json, expires)` stores and publishes the meta
    /// and returns 1, or returns 0 if a success is already stored. `expires` is in seconds; 0 keeps the result
    /// indefinitely.
    static let storeFunction = """
        local function store_meta(key, meta, expires)
            local old = redis.call('GET', key)
            if old then
                local status = string.match(old, '^%s*{%s*"status":%s*"([^"]*)"')
                if not status then
                    local read, value = pcall(cjson.decode, old)
                    status = read and type(value) == 'table' and value['status']
                end
                if status == 'SUCCESS' then return 0 end
            end
            if tonumber(expires) > 0 then
                redis.call('SETEX', key, expires, meta)
            else
                redis.call('SET', key, meta)
            end
            redis.call('PUBLISH', key, meta)
            return 1
        end

        """

    /// Keys: the metas'. Arguments: how long they are kept in seconds, and their JSON in the same order.
    static let store = RedisScript(
        "store results",
        storeFunction + "for place, key in ipairs(KEYS) do store_meta(key, ARGV[1 + place], ARGV[1]) end"
    )

    /// Counts a part of a chord as Celery 5.7 does, so that parts may run in Swift and Python workers.
    ///
    /// Keys: `.j .t .s .d`, the group's, `.c`. Arguments: task id, record, score, and in seconds how long the chord
    /// and the claim are kept, then the claim's token. Returns the records in order if the claim was won.
    static let endPart = RedisScript(
        "end a part of a chord",
        """
        local jkey, tkey, skey, dkey, gkey, ckey = unpack(KEYS)
        local id, record, score = ARGV[1], ARGV[2], ARGV[3]
        local expires = tonumber(ARGV[4])
        if redis.call('GET', ckey) == 'done' then return false end
        local member = id .. ':' .. score
        if redis.call('SISMEMBER', dkey, member) == 0 then
            redis.call('ZADD', jkey, score, record)
            redis.call('SADD', dkey, member)
        end
        local ready = redis.call('ZCARD', jkey)
        if expires > 0 then
            for _, key in ipairs({jkey, tkey, skey, dkey, gkey}) do redis.call('EXPIRE', key, expires) end
        end
        local size = redis.call('GET', skey)
        local more = redis.call('GET', tkey)
        if not size or ready ~= tonumber(size) + tonumber(more or 0) then return false end
        if not redis.call('SET', ckey, ARGV[6], 'NX', 'EX', ARGV[5]) and redis.call('GET', ckey) ~= ARGV[6] then
            return false
        end
        return {redis.call('GET', gkey), redis.call('ZRANGE', jkey, 0, -1)}
        """
    )

    /// Keys: `.c .s`. Arguments: the claim's token, how long it is kept in seconds. Returns 1 if the claim is held, or
    /// was acquired again.
    static let keepClaim = RedisScript(
        "keep a claim on a chord",
        """
        local claim = redis.call('GET', KEYS[1])
        if claim == ARGV[1] then return redis.call('EXPIRE', KEYS[1], ARGV[2]) end
        if not claim and redis.call('EXISTS', KEYS[2]) == 1 then
            redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
            return 1
        end
        return 0
        """
    )

    /// Keys: `.c .j .t .s .d`. Arguments: the claim's token, how long late duplicates are ignored in seconds.
    static let closeChord = RedisScript(
        "close a chord",
        """
        if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
        redis.call('SET', KEYS[1], 'done', 'EX', ARGV[2])
        return 1
        """
    )
}
