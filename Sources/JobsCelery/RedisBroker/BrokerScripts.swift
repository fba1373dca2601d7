import RedisClient

/// The Lua scripts of the broker. Each is atomic and idempotent.
enum BrokerScripts {
    /// Lua function that removes a delivery from its worker, shared with the scripts of the records:
    /// `dash_release(unacked, unacked_index, holders, tag, worker)` returns the list that the message came from, or
    /// false if the worker does not hold it.
    static let release = """
        local function dash_release(unacked, index, holders, tag, worker)
          local holder = redis.call('HGET', holders, tag)
          if not holder or string.sub(holder, 1, #worker + 1) ~= worker .. '\\n' then return false end
          redis.call('HDEL', unacked, tag)
          redis.call('ZREM', index, tag)
          redis.call('HDEL', holders, tag)
          return string.sub(holder, #worker + 2)
        end

        """

    /// Lua function that removes many deliveries from a worker:
    /// `dash_release_all(unacked, unacked_index, holders, worker, tags)` skips those that the worker does not hold.
    static let releaseAll = """
        local function dash_release_all(unacked, index, holders, worker, tags)
          local start, held = worker .. '\\n', {}
          for place, holder in ipairs(redis.call('HMGET', holders, unpack(tags))) do
            if holder and string.sub(holder, 1, #start) == start then held[#held + 1] = tags[place] end
          end
          if #held == 0 then return end
          redis.call('HDEL', unacked, unpack(held))
          redis.call('ZREM', index, unpack(held))
          redis.call('HDEL', holders, unpack(held))
        end

        """

    private static let reject = """
        local function reject(list, limit, reason, queue, message)
          redis.call('LPUSH', list, cjson.encode({reason = reason, queue = queue, time = now, message = message}))
          redis.call('LTRIM', list, 0, limit - 1)
        end

        """

    /// Fetches messages: KEYS unacked, index, workers, holders, rejected, then for each priority the lists of all
    /// queues; ARGV limit, worker, lease in seconds, limit of rejected, then the queues. Returns the messages (tag,
    /// list, envelope) and the number of rejected ones. With fewer messages than the limit, it reads the length of each
    /// list, so that `CLIENT TRACKING` reports the next change of any of them.
    static let fetch = RedisScript(
        "fetch",
        LivenessScripts.clock + reject + """
            local limit, worker, lease = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
            local queues = #ARGV - 4
            local found, refused = {}, 0

            -- The format that kombu writes (properties last) is read without parsing the whole; nil for any other.
            local function quick(raw)
              local last = string.match(raw, '^{.*"properties":%s*(%b{})%s*}%s*$')
              if not last then return end
              local tag = string.match(last, '"delivery_tag":%s*"([%w-]+)"')
              local exchange, key = string.match(
                last, '"delivery_info":%s*{"exchange":%s*"([%w_.-]*)",%s*"routing_key":%s*"([%w_.-]*)"}')
              if tag and key then return tag, exchange, key end
            end

            local function slow(raw, queue)
              local ok, envelope = pcall(cjson.decode, raw)
              local properties = ok and type(envelope) == 'table' and envelope.properties
              if type(properties) ~= 'table' then return end
              local tag = properties.delivery_tag
              local info = type(properties.delivery_info) == 'table' and properties.delivery_info or {}
              local exchange = type(info.exchange) == 'string' and info.exchange or ''
              local key = type(info.routing_key) == 'string' and info.routing_key or queue
              return type(tag) == 'string' and tag or '', exchange, key
            end

            local function take(list, queue, raw)
              local tag, exchange, key = quick(raw)
              if not tag then tag, exchange, key = slow(raw, queue) end
              if not tag then
                reject(KEYS[5], tonumber(ARGV[4]), 'no envelope of a message', queue, raw)
                refused = refused + 1
                return
              end
              if tag == '' or redis.call('HEXISTS', KEYS[1], tag) == 1 then
                tag = redis.sha1hex(raw .. stamp(now) .. #found)
              end
              redis.call('HSET', KEYS[1], tag, '[' .. raw .. ', ' .. cjson.encode(exchange) .. ', ' .. cjson.encode(key) .. ']')
              redis.call('ZADD', KEYS[2], stamp(now), tag)
              redis.call('HSET', KEYS[4], tag, worker .. '\\n' .. list)
              found[#found + 1] = {tag, list, raw}
            end

            for first = 6, #KEYS, queues do
              local goes = true
              while goes do
                goes = false
                for place = first, first + queues - 1 do
                  if #found < limit and refused < 100 then
                    local raw = redis.call('RPOP', KEYS[place])
                    if raw then
                      goes = true
                      take(KEYS[place], ARGV[5 + place - first], raw)
                    end
                  end
                end
              end
            end
            if #found < limit then
              for place = 6, #KEYS do redis.call('LLEN', KEYS[place]) end
            end
            -- A fetch proves liveness. A worker that holds messages always has an entry, by which the sweep finds it.
            if #found > 0 and (tonumber(redis.call('ZSCORE', KEYS[3], worker)) or 0) < now + lease then
              redis.call('ZADD', KEYS[3], stamp(now + lease), worker)
            end
            return {found, refused}
            """
    )

    /// Returns messages that a worker holds but never received, because the reply to its fetch was lost: KEYS unacked,
    /// holders; ARGV worker, the tags that it knows.
    static let reclaim = RedisScript(
        "reclaim",
        """
        local start, known, found = ARGV[1] .. '\\n', {}, {}
        for place = 2, #ARGV do known[ARGV[place]] = true end
        local all = redis.call('HGETALL', KEYS[2])
        for place = 1, #all, 2 do
          local tag, holder = all[place], all[place + 1]
          if string.sub(holder, 1, #start) == start and not known[tag] then
            local entry = redis.call('HGET', KEYS[1], tag)
            if entry then found[#found + 1] = {tag, string.sub(holder, #start + 1), entry} end
          end
        end
        return found
        """
    )

    /// Refreshes the scores of held messages in Celery's index, so that Python workers do not restore them: KEYS index,
    /// holders; ARGV worker, its tags. Returns the tags that it no longer holds.
    static let refresh = RedisScript(
        "refresh held messages",
        LivenessScripts.clock + """
            -- No effect: once a script has written, Redis lets it continue when memory is full.
            redis.call('ZREM', KEYS[1], '')
            local start, lost = ARGV[1] .. '\\n', {}
            for place = 2, #ARGV do
              local tag = ARGV[place]
              if string.sub(redis.call('HGET', KEYS[2], tag) or '', 1, #start) == start then
                redis.call('ZADD', KEYS[1], 'XX', stamp(now), tag)
              else
                lost[#lost + 1] = tag
              end
            end
            return lost
            """
    )

    /// Removes a delivery from its worker: KEYS unacked, index, holders, eta, parked; ARGV tag, worker, then nothing to
    /// acknowledge it; its envelope to requeue it at the head of its list; or its envelope and a time in milliseconds
    /// to park it until then.
    static let settle = RedisScript(
        "settle",
        release + """
            local list = dash_release(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
            if not list then return 0 end
            if ARGV[4] then
              redis.call('HSET', KEYS[5], ARGV[1], list .. '\\n' .. ARGV[3])
              redis.call('ZADD', KEYS[4], ARGV[4], ARGV[1])
            elseif ARGV[3] then
              redis.call('RPUSH', list, ARGV[3])
            end
            return 1
            """
    )

    /// Stores results and acknowledges many deliveries: KEYS unacked, index, holders, then those of metas; ARGV worker,
    /// the lifetime of metas in seconds, their number, the metas, then the tags.
    static let storeAndAcknowledge = RedisScript(
        "store results and acknowledge",
        ResultScripts.storeFunction + releaseAll + """
            local metas = tonumber(ARGV[3])
            for place = 1, metas do store_meta(KEYS[3 + place], ARGV[3 + place], ARGV[2]) end
            local tags = {}
            for place = 4 + metas, #ARGV do tags[#tags + 1] = ARGV[place] end
            if #tags > 0 then dash_release_all(KEYS[1], KEYS[2], KEYS[3], ARGV[1], tags) end
            """
    )

    /// Rejects an unreadable delivery: KEYS unacked, index, holders, rejected; ARGV tag, worker, limit,
    /// reason, queue.
    static let refuse = RedisScript(
        "refuse",
        LivenessScripts.clock + reject + release + """
            local entry = redis.call('HGET', KEYS[1], ARGV[1])
            if not dash_release(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2]) then return 0 end
            reject(KEYS[4], tonumber(ARGV[3]), ARGV[4], ARGV[5], entry or '')
            return 1
            """
    )

    /// Requeues parked messages that are due, at the head of their lists: KEYS eta, parked. Returns the milliseconds
    /// until the next is due, -1 if there is none.
    static let due = RedisScript(
        "due",
        LivenessScripts.clock + """
            local ready = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', stamp(now * 1000), 'LIMIT', 0, 1000)
            for place = #ready, 1, -1 do
              local tag = ready[place]
              local kept = redis.call('HGET', KEYS[2], tag)
              if kept then
                local cut = string.find(kept, '\\n', 1, true)
                redis.call('HDEL', KEYS[2], tag)
                redis.call('RPUSH', string.sub(kept, 1, cut - 1), string.sub(kept, cut + 1))
              end
              redis.call('ZREM', KEYS[1], tag)
            end
            local next = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
            return next[2] and math.max(0, math.ceil(next[2] - now * 1000)) or -1
            """
    )

    /// Returns the messages of a dead worker (tag, holder, entry): KEYS unacked, holders, workers; ARGV prefix of
    /// worker channels, worker, limit. Removes the entry of a dead worker that holds nothing.
    static let held = RedisScript(
        "held by a dead worker",
        LivenessScripts.rule + """
            local start, found = ARGV[2] .. '\\n', {}
            local all = redis.call('HGETALL', KEYS[2])
            for place = 1, #all, 2 do
              local tag, holder = all[place], all[place + 1]
              if string.sub(holder, 1, #start) == start then
                local entry = redis.call('HGET', KEYS[1], tag)
                if entry then
                  found[#found + 1] = {tag, holder, entry}
                  if #found == tonumber(ARGV[3]) then return found end
                else
                  redis.call('HDEL', KEYS[2], tag)
                end
              end
            end
            if #found == 0 and not dash_is_alive(KEYS[3], ARGV[1], ARGV[2]) then redis.call('ZREM', KEYS[3], ARGV[2]) end
            return found
            """
    )

    /// Adds an expired lease for workers that hold messages and have no entry, so that the sweep finds them: KEYS
    /// holders, workers.
    static let audit = RedisScript(
        "audit of holders",
        LivenessScripts.clock + """
            local seen = {}
            for _, holder in ipairs(redis.call('HVALS', KEYS[1])) do
              local worker = string.match(holder, '^[^\\n]*')
              if not seen[worker] then
                seen[worker] = true
                redis.call('ZADD', KEYS[2], 'NX', stamp(now), worker)
              end
            end
            """
    )

    /// Requeues a message of a dead worker at the head of its list, unless its holder or the worker's lease changed:
    /// KEYS unacked, index, holders, workers; ARGV tag, holder, end of the worker's lease, envelope.
    static let rescue = RedisScript(
        "rescue",
        release + """
            if redis.call('HGET', KEYS[3], ARGV[1]) ~= ARGV[2] then return 0 end
            local worker = string.match(ARGV[2], '^[^\\n]*')
            if (redis.call('ZSCORE', KEYS[4], worker) or '') ~= ARGV[3] then return 0 end
            redis.call('RPUSH', dash_release(KEYS[1], KEYS[2], KEYS[3], ARGV[1], worker), ARGV[4])
            return 1
            """
    )

    /// Publishes a reply to the queues bound to its routing key: KEYS bindings; ARGV separator, routing key, prefix,
    /// envelope. Returns the number of queues, 0 if the caller is gone. Replies expire after an hour.
    static let reply = RedisScript(
        "reply",
        """
        local start, count = ARGV[2] .. ARGV[1], 0
        for _, member in ipairs(redis.call('SMEMBERS', KEYS[1])) do
          if string.sub(member, 1, #start) == start then
            local _, stop = string.find(member, ARGV[1], #start + 1, true)
            if stop then
              local queue = ARGV[3] .. string.sub(member, stop + 1)
              redis.call('LPUSH', queue, ARGV[4])
              redis.call('EXPIRE', queue, 3600)
              count = count + 1
            end
          end
        end
        return count
        """
    )
}
