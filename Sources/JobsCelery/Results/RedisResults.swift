import CeleryProtocol
import DashJSON
import RedisClient

/// Results in Redis, in the format of Celery's result backend.
package struct RedisResults: ResultStore {
    let redis: any RedisClient
    var settings = ResultSettings()

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
        let answer = try await redis.send(RedisCommand(["MGET"] + ids.map { settings.key(of: $0) }))
        guard let values = answer.elements, values.count == ids.count else {
            throw CeleryError.server("Redis did not return a list of results.")
        }
        return try zip(ids, values).map { id, value in
            try value.bytes.map { bytes throws(CeleryError) in try ResultMeta(reading: bytes, taskID: id) }
        }
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

extension RedisResults {
    /// Celery's default times, in seconds: twice the join timeout, the send timeout, and how long late duplicates are
    /// ignored.
    private static let (claimTime, sendingTime, doneTime) = (6, 21, 300)

    /// Sets the number of a chord's parts, before the first of them is sent.
    func open(_ group: String, size: Int) async throws {
        let expiry: [any RedisArgument] = settings.expires > 0 ? ["EX", settings.expires] : []
        let size: [any RedisArgument] = ["SET", settings.groupKey(group, ".s"), size]
        let delete = RedisCommand("DEL", settings.groupKey(group, ".c"))
        try await redis.send([delete, RedisCommand(size + expiry)]).checked()
    }

    /// Counts the completion of a part; repeated calls count once.
    ///
    /// - Returns: The chord if this was the last part and no other worker sends its body: then send it and `close` the
    ///   chord. A repeated call with the same `claim`, after the body could not be sent, returns the chord again.
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
        if let structure = parts[0].bytes {
            return CompleteChord(part: part, outcome: try await joined(structure))
        }
        return CompleteChord(part: part, outcome: Self.results(records.compactMap(\.bytes)))
    }

    /// Extends the claim immediately before the body is sent.
    ///
    /// - Returns: false if another worker has taken over.
    func keep(_ chord: CompleteChord) async throws -> Bool {
        let answer = try await redis.run(
            ResultScripts.keepClaim,
            keys: [".c", ".s"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.sendingTime]
        )
        return answer.integer == 1
    }

    /// Cleans up after the body was sent.
    func close(_ chord: CompleteChord) async throws {
        _ = try await redis.run(
            ResultScripts.closeChord,
            keys: [".c", ".j", ".t", ".s", ".d"].map { settings.groupKey(chord.part.group, $0) },
            arguments: [chord.part.claim, Self.doneTime]
        )
    }

    /// Cleans up after the body has failed.
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
    /// The results of a chord with a nested header, `{"result": tree}`.
    private func joined(_ structure: [UInt8]) async throws -> Result<RawJSON, TaskException> {
        guard let json = try? PythonJSON.parse(structure), let tree = ResultTree(json["result"]) else {
            return .failure(.chordError("The structure of the chord's header cannot be read."))
        }
        let ids = Array(Set(tree.ids))
        var metas: [String: ResultMeta] = [:]
        // A part is counted after its result is stored.
        for (id, meta) in zip(ids, try await read(ids)) {
            guard let meta, meta.status.isReady else {
                return .failure(.chordError("Join error: TimeoutError('The operation timed out.')"))
            }
            if meta.status.propagates {
                return .failure(.chordError("Join error: \(meta.exception?.repr ?? "")"))
            }
            metas[id] = meta
        }
        return .success(RawJSON(json: tree.values(metas)))
    }
}

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
