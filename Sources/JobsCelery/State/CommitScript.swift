/// The script that applies a transition to a record: all its changes, or none if a guard does not hold.
///
/// It is made of small operations on the record, sets and counters; which of them make a transition, `CommitWriter` says, and why,
/// `JobRules`. An operation is a name, the number of its arguments, and these. `ARGV` holds id, clock, the commit's name and what
/// it is to answer, then the operations. The answer: what became of it (`applied`, `repeated` or `refused`), for a refusal the
/// number of the guard and what it found, what the last change that has an answer gave, and the record's facts.
extension RecordScripts {
    /// What some commits need and most do not: a script without it costs Redis less.
    struct Parts: OptionSet, Hashable {
        let rawValue: Int

        static let liveness = Parts(rawValue: 1)
        static let caching = Parts(rawValue: 2)
        static let merging = Parts(rawValue: 4)
        static let settling = Parts(rawValue: 8)
    }

    /// The script with the parts that a commit needs.
    static func commit(_ parts: Parts) -> RedisScript { commits[parts.rawValue] }

    private static let commits = (0..<16).map { number in
        let parts = Parts(rawValue: number)
        var text = parts.contains(.liveness) ? [living] : []
        if parts.contains(.settling) { text += [BrokerScripts.release] }
        text += [reading]
        if parts.contains(.caching) { text += [cacheReading] }
        text += [guards, changes]
        if parts.contains(.liveness) { text += [livenessGuard] }
        if parts.contains(.caching) { text += [cacheGuards, caching] }
        if parts.contains(.merging) { text += [merging] }
        if parts.contains(.settling) { text += [settling] }
        return script("commit", text + [interpreter])
    }

    private static let livenessGuard = "function guards.gone(worker) return not alive(worker) end"
    private static let cacheGuards = """
        function guards.cached(key) return (cached(key)) end
        function guards.uncached(key) return not cached(key) end
        """
    private static let settling = "function changes.settle(...) dash_release(...) end"

    /// The record as it stands before the transition.
    private static let reading = """
        local record, read = {}, {\(RecordFacts.guardFields.map { "'\($0)'" }.joined(separator: ", "))}
        for place, value in ipairs(redis.call('HMGET', job, unpack(read))) do record[read[place]] = value end
        local function facts() return redis.call('HMGET', job, \(RecordFacts.fields.map { "'\($0)'" }.joined(separator: ", "))) end
        """

    /// Each gives whether it holds, and what it found.
    private static let guards = #"""
        local guards, changes, answer = {}, {}, ''
        function guards.is(field, ...)
          for _, one in ipairs({...}) do if record[field] == one then return true end end
          return false, record[field]
        end
        function guards.isnt(field, value) return record[field] ~= value end
        function guards.has(field) return record[field] end
        function guards.lacks(field) return not record[field] end
        function guards.fewer(most, ...)
          local count = 0
          for _, set in ipairs({...}) do count = count + redis.call('ZCARD', P .. set) end
          return count < tonumber(most), count
        end
        function guards.total(hash, field, added, most)
          local sum = tonumber(redis.call('HGET', P .. hash, field) or 0)
          return sum + added <= tonumber(most), sum
        end
        function guards.taken(key)
          local leader = redis.call('HGET', P .. 'flights', key)
          local state = leader and redis.call('HGET', P .. 'job:' .. leader, 'state')
          return state == 'scheduled' or state == 'queued' or state == 'running'
        end
        function guards.free(key) return not guards.taken(key) end
        function guards.over(set, wait)
          local score = redis.call('ZSCORE', P .. set, id)
          return score and score + wait <= now
        end
        """#

    private static let changes = #"""
        function changes.set(...) redis.call('HSET', job, ...) end
        function changes.clear(...) redis.call('HDEL', job, ...) end
        function changes.count(field) redis.call('HINCRBY', job, field, 1) end
        function changes.time(field, wait) redis.call('HSET', job, field, text(now + wait)) end
        function changes.stamp(field) redis.call('HSET', job, field, stamp) end
        function changes.add(hash, field, number)
          if redis.call('HINCRBY', P .. hash, field, number) <= 0 then redis.call('HDEL', P .. hash, field) end
        end
        function changes.at(set, wait) redis.call('ZADD', P .. set, text(now + wait), id) end
        function changes.extend(set, wait) redis.call('ZADD', P .. set, 'XX', 'GT', text(now + wait), id) end
        function changes.soon(set, wait) redis.call('ZADD', P .. set, stamp + wait, id) end
        function changes.leave(...) for _, set in ipairs({...}) do redis.call('ZREM', P .. set, id) end end
        function changes.drop(...) for _, kind in ipairs({...}) do redis.call('DEL', P .. kind .. ':' .. id) end end
        function changes.keep(time, ...)
          for _, kind in ipairs({...}) do redis.call('PEXPIRE', P .. kind .. ':' .. id, time) end
        end
        function changes.lease(worker, time) redis.call('ZADD', P .. 'workers', 'GT', stamp + time, worker) end
        function changes.push(command)
          local message = redis.call('HMGET', job, 'list', 'message')
          if message[2] then redis.call(command, message[1], message[2]) end
        end
        function changes.post(list, message)
          redis.call('HSET', job, 'list', list, 'message', message, 'sent', stamp)
          redis.call('LPUSH', list, message)
        end
        function changes.copy(from) redis.call('HSET', job, 'result', redis.call('HGET', P .. from, 'result') or 'null') end
        function changes.lead(key) redis.call('HSET', P .. 'flights', key, id) end
        function changes.follow(key) redis.call('RPUSH', P .. 'followers:' .. key, id) end
        function changes.release(key)
          if redis.call('HGET', P .. 'flights', key) ~= id then return end
          redis.call('HDEL', P .. 'flights', key)
          if redis.call('EXISTS', P .. 'followers:' .. key) == 0 then return end
          redis.call('RENAME', P .. 'followers:' .. key, P .. 'landing:' .. id)
          changes.soon('landings', 1)
          answer = 'landing'
        end
        function changes.landed(leader) redis.call('LREM', P .. 'landing:' .. leader, 1, id) end
        function changes.tell(key, expiry, meta)
          redis.call('SET', key, meta)
          if expiry ~= '0' then redis.call('EXPIRE', key, expiry) end
          redis.call('PUBLISH', key, meta)
        end
        function changes.publish(channel) redis.call('PUBLISH', P .. channel, id) end
        function changes.notify()
          if redis.call('EXISTS', job) == 1 then changes.count('sequence') end
          redis.call('PUBLISH', P .. 'news:' .. id, '')
        end
        """#

    private static let caching = #"""
        local function uncache(name)
          changes.add('totals', 'cacheBytes', 0 - (redis.call('HGET', P .. 'cacheSizes', name) or 0))
          redis.call('HDEL', P .. 'cacheSizes', name)
          redis.call('ZREM', P .. 'cached', name)
          redis.call('DEL', P .. 'cache:' .. name)
        end
        function changes.use(name) use(name, redis.call('HGET', P .. 'cache:' .. name, 'expire')) end
        function changes.cache(name, expire, most)
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
        end
        """#

    /// Changes of properties: the place, whether it is a Patch, its size, its text. Those of a place are a chain: a value takes
    /// the place of the whole chain, a Patch is added to it.
    private static let merging = #"""
        local entries, places = P .. 'changes:' .. id, P .. 'places:' .. id
        local function remove(at) redis.call('ZREMRANGEBYSCORE', entries, at, at) end
        local function parts(entry) return entry:match('^(%d+),(%d+),(%d+);') end
        -- Removes a chain and returns its bytes. Where links of it were dropped, its oldest is left.
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
        -- Drops Patches that the page has and returns their bytes; what they are added to stays.
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
        function changes.merge(most, ...)
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
        end
        """#

    private static let interpreter = #"""
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
        """#
}
