import RedisClient
import Synchronization

/// The operations of a transition: guards and changes of records, sets and counters. `CommitWriter` encodes a
/// transition as operations; `JobRules` decides which transition applies.
enum CommitOperation: Int, CaseIterable, Sendable {
    // Guards.
    case `is`, isnt, has, lacks, fewer, total, taken, free, over, gone, cached, uncached
    // Changes.
    case set, clear, count, time, stamp, add, at, extend, soon, leave, drop, keep, lease, push, post, copy
    case lead, follow, release, landed, publishMeta, publish, notify, use, cache, merge, settle

    private static let names = allCases.map(\.name.redisBytes)
    private static let sources = allCases.map { $0.isGuard ? $0.guardSource : $0.changeSource }

    var name: String { "\(self)" }
    /// Its name in a call.
    var bytes: [UInt8] { Self.names[rawValue] }
    var isGuard: Bool { rawValue < CommitOperation.set.rawValue }
    /// Its Lua function in a script.
    var function: String { "\(isGuard ? "guards" : "changes").\(name)" }
    /// Parameters, line feed and body of the function. A guard returns whether it holds, and the value that it found.
    var source: String { Self.sources[rawValue] }

    /// What an operation calls, and the fields of the record that it reads besides its arguments, by its source.
    struct Needs: Sendable {
        let operations: [CommitOperation]
        let fields: [String]
        /// Lua functions that it shares with other operations or scripts.
        let helpers: [String]

        init(_ source: String) {
            helpers = CommitOperation.helpers.filter { source.contains($0.call) }.map(\.text)
            let text = source + helpers.joined()
            operations = allCases.filter { text.contains($0.function + "(") }
            fields = RecordFacts.guardFields.filter { text.contains("record." + $0) }
        }
    }

    private static let allNeeds = sources.map { Needs($0) }
    var needs: Needs { Self.allNeeds[rawValue] }

    private static let helpers: [(call: String, text: String)] = [
        ("alive(", RecordScripts.living), ("cached(", RecordScripts.cacheReading), ("use(", RecordScripts.cacheReading),
        ("uncache(", uncaching), ("unlink(", chains), ("dash_release(", BrokerScripts.release),
    ]

    private var guardSource: String {
        switch self {
        case .is:
            #"""
            (field, ...)
            for _, one in ipairs({...}) do if record[field] == one then return true end end
            return false, record[field]
            """#
        case .isnt: "(field, value) return record[field] ~= value"
        case .has: "(field) return record[field]"
        case .lacks: "(field) return not record[field]"
        case .fewer:
            #"""
            (most, ...)
            local count = 0
            for _, set in ipairs({...}) do count = count + redis.call('ZCARD', P .. set) end
            return count < tonumber(most), count
            """#
        case .total:
            #"""
            (hash, field, added, most)
            local sum = tonumber(redis.call('HGET', P .. hash, field) or 0)
            return sum + added <= tonumber(most), sum
            """#
        case .taken:
            #"""
            (key)
            local leader = redis.call('HGET', P .. 'flights', key)
            local state = leader and redis.call('HGET', P .. 'job:' .. leader, 'state')
            return state == 'scheduled' or state == 'queued' or state == 'running'
            """#
        case .free: "(key) return not guards.taken(key)"
        case .over:
            #"""
            (set, wait)
            local score = redis.call('ZSCORE', P .. set, id)
            return score and score + wait <= now
            """#
        case .gone: "(worker) return not alive(worker)"
        case .cached: "(key) return (cached(key))"
        case .uncached: "(key) return not cached(key)"
        default: ""
        }
    }

    private var changeSource: String {
        switch self {
        case .set: "(...) redis.call('HSET', job, ...)"
        case .clear: "(...) redis.call('HDEL', job, ...)"
        case .count: "(field) redis.call('HINCRBY', job, field, 1)"
        case .time: "(field, wait) redis.call('HSET', job, field, text(now + wait))"
        case .stamp: "(field) redis.call('HSET', job, field, stamp)"
        case .add:
            #"""
            (hash, field, number)
            if redis.call('HINCRBY', P .. hash, field, number) <= 0 then redis.call('HDEL', P .. hash, field) end
            """#
        case .at: "(set, wait) redis.call('ZADD', P .. set, text(now + wait), id)"
        case .extend: "(set, wait) redis.call('ZADD', P .. set, 'XX', 'GT', text(now + wait), id)"
        case .soon: "(set, wait) redis.call('ZADD', P .. set, stamp + wait, id)"
        case .leave: "(...) for _, set in ipairs({...}) do redis.call('ZREM', P .. set, id) end"
        case .drop: "(...) for _, kind in ipairs({...}) do redis.call('DEL', P .. kind .. ':' .. id) end"
        case .keep: "(time, ...) for _, one in ipairs({...}) do redis.call('PEXPIRE', P .. one .. ':' .. id, time) end"
        case .lease: "(worker, time) redis.call('ZADD', P .. 'workers', 'GT', stamp + time, worker)"
        case .push:
            #"""
            (command)
            local message = redis.call('HMGET', job, 'list', 'message')
            if message[2] then redis.call(command, message[1], message[2]) end
            """#
        case .post:
            #"""
            (list, message, ...)
            redis.call('HSET', job, 'list', list, 'message', message, 'sent', stamp, ...)
            redis.call('LPUSH', list, message)
            """#
        case .copy: "(from) redis.call('HSET', job, 'result', redis.call('HGET', P .. from, 'result') or 'null')"
        case .lead: "(key) redis.call('HSET', P .. 'flights', key, id)"
        case .follow: "(key) redis.call('RPUSH', P .. 'followers:' .. key, id)"
        case .release:
            #"""
            (key)
            if redis.call('HGET', P .. 'flights', key) ~= id then return end
            redis.call('HDEL', P .. 'flights', key)
            if redis.call('EXISTS', P .. 'followers:' .. key) == 0 then return end
            redis.call('RENAME', P .. 'followers:' .. key, P .. 'landing:' .. id)
            changes.soon('landings', 1)
            answer = 'landing'
            """#
        case .landed: "(leader) redis.call('LREM', P .. 'landing:' .. leader, 1, id)"
        case .publishMeta:
            #"""
            (key, expiry, meta)
            redis.call('SET', key, meta)
            if expiry ~= '0' then redis.call('EXPIRE', key, expiry) end
            redis.call('PUBLISH', key, meta)
            """#
        case .publish: "(channel) redis.call('PUBLISH', P .. channel, id)"
        case .notify:
            #"""
            ()
            if redis.call('EXISTS', job) == 1 then changes.count('sequence') end
            redis.call('PUBLISH', P .. 'news:' .. id, '')
            """#
        case .use: "(name) use(name, redis.call('HGET', P .. 'cache:' .. name, 'expire'))"
        case .cache: Self.caching
        case .merge: Self.merging
        case .settle: "(...) dash_release(...)"
        default: ""
        }
    }

    private static let uncaching = #"""
        local function uncache(name)
          changes.add('totals', 'cacheBytes', 0 - (redis.call('HGET', P .. 'cacheSizes', name) or 0))
          redis.call('HDEL', P .. 'cacheSizes', name)
          redis.call('ZREM', P .. 'cached', name)
          redis.call('DEL', P .. 'cache:' .. name)
        end
        """#

    private static let caching = #"""
        (name, expire, most)
        local result = redis.call('HGET', job, 'result')
        uncache(name)
        if #result > tonumber(most) then return end
        redis.call('HSET', P .. 'cache:' .. name, 'result', result, 'expire', expire)
        redis.call('HSET', P .. 'cacheSizes', name, #result)
        use(name, expire)
        local bytes = redis.call('HINCRBY', P .. 'totals', 'cacheBytes', #result)
        while bytes > tonumber(most) do
          uncache(redis.call('ZRANGE', P .. 'cached', 0, 0)[1])
          bytes = tonumber(redis.call('HGET', P .. 'totals', 'cacheBytes') or 0)
        end
        """#

    /// The changes of a place form a chain: a value replaces the chain, a Patch is appended to it.
    private static let chains = #"""
        local entries, places = P .. 'changes:' .. id, P .. 'places:' .. id
        local function remove(at) redis.call('ZREMRANGEBYSCORE', entries, at, at) end
        local function parts(entry) return entry:match('^(%d+),(%d+),(%d+);') end
        -- Removes a chain and returns its bytes. If links of it were dropped, its oldest remains.
        local function unlink(mark)
          local freed, at, oldest = 0, mark:match('^(%d+),(%d+)$')
          while at and at ~= '0' do
            local entry = redis.call('ZRANGEBYSCORE', entries, at, at)[1]
            local previous, _, bytes = parts(entry or '')
            remove(at)
            freed = freed + (bytes or 0)
            at = previous or (at ~= oldest and oldest)
          end
          return freed
        end
        -- Drops Patches that the page has and returns their bytes; their base value remains.
        local function dropPatches(through)
          local freed, known = 0, redis.call('ZRANGEBYSCORE', entries, '-inf', through, 'WITHSCORES')
          for i = 1, #known, 2 do
            local previous, _, bytes = parts(known[i])
            if previous ~= '0' then
              remove(known[i + 1])
              freed = freed + bytes
            end
          end
          return freed
        end
        """#

    /// Merges changes of properties: for each its place, whether it is a Patch, its size, its text.
    private static let merging = #"""
        (most, ...)
        local new, sequence, size = {...}, tonumber(record.sequence), tonumber(record.changesSize or 0)
        for i = 1, #new, 4 do
          sequence = sequence + 1
          local previous, oldest = '0', text(sequence)
          local mark = redis.call('HGET', places, new[i])
          if mark and new[i + 1] == '0' then size = size - unlink(mark) end
          if mark and new[i + 1] == '1' then previous, oldest = mark:match('^(%d+),(%d+)$') end
          redis.call('ZADD', entries, text(sequence), previous .. ',' .. oldest .. ',' .. new[i + 2] .. ';' .. new[i + 3])
          redis.call('HSET', places, new[i], text(sequence) .. ',' .. oldest)
          size = size + new[i + 2]
        end
        local from = size > tonumber(most) and (record.delivery or ''):match('^%d+,(%d+),')
        if from then size = size - dropPatches(from) end
        changes.set('sequence', text(sequence), 'changesSize', text(size))
        redis.call('PUBLISH', P .. 'news:' .. id, '')
        answer = size
        """#
}

/// The script that applies a transition to a record: all its changes, or none if a guard fails.
///
/// It contains only the functions of the operations that a transition needs, and reads only the fields that its guards
/// need, because definitions and reads cost time in each call.
///
/// In a call an operation is its name, the number of its arguments, and the arguments. `ARGV` holds id, clock, the
/// commit's name and its `Answer`, then the operations. The reply: `applied`, `repeated` or `refused`; for a refusal
/// the number of the guard and the value that it found, otherwise the reply of the last change that has one; the
/// record's facts.
struct CommitScript: Hashable, Sendable {
    /// Bit sets of operations and of fields.
    private var operations: UInt64 = 0
    private var fields: UInt64 = 0

    private static let made = Mutex<[CommitScript: RedisScript]>([:])

    /// The script, cached.
    var composed: RedisScript {
        Self.made.withLock { made in
            if let script = made[self] { return script }
            let script = RecordScripts.script("commit", parts)
            made[self] = script
            return script
        }
    }

    /// Adds an operation, with those that it needs.
    mutating func insert(_ operation: CommitOperation) {
        let bit: UInt64 = 1 << operation.rawValue
        guard operations & bit == 0 else { return }
        operations |= bit
        for other in operation.needs.operations { insert(other) }
        for field in operation.needs.fields { read(field) }
    }

    /// Adds a field of the record to read before the transition.
    mutating func read(_ field: String) {
        guard let place = RecordFacts.guardFields.firstIndex(of: field) else {
            preconditionFailure("No guard reads the field \(field).")
        }
        fields |= 1 << place
    }

    // MARK: Source

    private var parts: [String] {
        let operations = CommitOperation.allCases.filter { self.operations & 1 << $0.rawValue != 0 }
        var helpers: [String] = []
        for text in operations.flatMap(\.needs.helpers) where !helpers.contains(text) { helpers.append(text) }
        let functions = operations.map { "function \($0.function)\($0.source) end" }
        return [reading] + helpers + functions + [Self.interpreter]
    }

    private var reading: String {
        let names = RecordFacts.guardFields.enumerated().filter { fields & 1 << $0.offset != 0 }.map(\.element)
        let start = "local guards, changes, answer, record = {}, {}, '', {}"
        guard !names.isEmpty else { return start }
        return """
            \(start)
            local read = {\(names.map { "'\($0)'" }.joined(separator: ", "))}
            for place, value in ipairs(redis.call('HMGET', job, unpack(read))) do record[read[place]] = value end
            """
    }

    private static let interpreter = """
        local function facts() return redis.call('HMGET', job, \(RecordFacts.fields.map { "'\($0)'" }.joined(separator: ", "))) end
        if ARGV[3] ~= '' and (record.commit == ARGV[3] or record.ended == ARGV[3]) then return {'repeated', 0, '', facts()} end
        local place, i = 0, 5
        while i <= #ARGV do
          local name, last = ARGV[i], i + 1 + ARGV[i + 1]
          if guards[name] then
            place = place + 1
            local holds, found = guards[name](unpack(ARGV, i + 2, last))
            if not holds then return {'refused', place, found or '', facts()} end
          else
            changes[name](unpack(ARGV, i + 2, last))
          end
          i = last + 1
        end
        return {'applied', 0, answer, ARGV[4] == 'facts' and facts()}
        """
}
