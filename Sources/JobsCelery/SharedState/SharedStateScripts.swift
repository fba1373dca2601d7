import RedisClient

/// The Lua scripts of `RedisSharedState`, which documents the keys. `KEYS[1]` is the prefix. Each is idempotent.
enum SharedStateScripts {
    /// Functions of the scripts for slots.
    private static let slots =
        #"""
        local places = KEYS[1] .. 'fleet:places:' .. ARGV[1]
        local orders = KEYS[1] .. 'fleet:orders:' .. ARGV[1]

        -- Value, order and previous value of a slot; empty strings for those it lacks.
        local function held(place)
          return (redis.call('HGET', places, place) or ''):match('^([^\n]*)\n?([^\n]*)\n?(.*)$')
        end

        -- Hashed, because pages choose names of any length.
        local function member(kind, name) return kind .. redis.sha1hex(name) end

        local function isLater(order, than) return order and (tonumber(order) or -1) > tonumber(than) end

        local function remember(kind, name, order, lifetime, most)
          local member = member(kind, name)
          if not isLater(redis.call('ZSCORE', orders, member), order) then redis.call('ZADD', orders, order, member) end
          redis.call('ZREMRANGEBYRANK', orders, 0, -most - 1)
          redis.call('PEXPIRE', orders, lifetime)
        end
        """# + "\n"

    /// group, slot, value, order or empty, lifetime, watermarks…: sets a value and returns the previous one; 0 if it is
    /// late.
    static let replace = RedisScript(
        "fleet replace",
        slots + #"""
            local value, order, before = held(ARGV[2])
            if value == ARGV[3] then return before ~= '' and before end
            if ARGV[4] ~= '' then
              local known = redis.call('ZSCORE', orders, member('place', ARGV[2]))
              if isLater(order, ARGV[4]) or isLater(known, ARGV[4]) then return 0 end
              for mark = 6, #ARGV do
                if isLater(redis.call('ZSCORE', orders, member('mark', ARGV[mark])), ARGV[4]) then return 0 end
              end
            end
            redis.call('HSET', places, ARGV[2], ARGV[3] .. '\n' .. ARGV[4] .. '\n' .. value)
            redis.call('PEXPIRE', places, ARGV[5])
            return value ~= '' and value
            """#
    )

    /// group, slot, value, lifetime and limit of orders: empties the slot if it holds the value; 1 if it did.
    static let remove = RedisScript(
        "fleet remove",
        slots + #"""
            local value, order = held(ARGV[2])
            if value ~= ARGV[3] then return 0 end
            if order ~= '' then remember('place', ARGV[2], order, ARGV[4], ARGV[5]) end
            return redis.call('HDEL', places, ARGV[2])
            """#
    )

    /// group, order, lifetime and limit of orders, watermarks…: raises the watermarks to the order.
    static let mark = RedisScript(
        "fleet mark",
        slots + #"""
            for mark = 5, #ARGV do remember('mark', ARGV[mark], ARGV[2], ARGV[3], ARGV[4]) end
            """#
    )

    /// group, holder, limit, longest hold: adds a holder, removes the oldest beyond the limit and notifies their
    /// servers.
    static let hold = RedisScript(
        "fleet hold",
        #"""
        local key = KEYS[1] .. 'fleet:polls:' .. ARGV[1]
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - ARGV[4]))
        redis.call('ZADD', key, string.format('%.0f', now), ARGV[2])
        redis.call('PEXPIRE', key, math.ceil(ARGV[4] / 1000))
        local surplus = redis.call('ZCARD', key) - ARGV[3]
        if surplus <= 0 then return 0 end
        for _, holder in ipairs(redis.call('ZRANGE', key, 0, surplus - 1)) do
          redis.call('ZREM', key, holder)
          local server, name = holder:match('^([^/]*)/(.*)$')
          redis.call('PUBLISH', KEYS[1] .. 'fleet:server:' .. server, name)
        end
        return surplus
        """#
    )

    /// group, holder: removes a holder.
    static let release = RedisScript(
        "fleet release",
        "return redis.call('ZREM', KEYS[1] .. 'fleet:polls:' .. ARGV[1], ARGV[2])"
    )

    /// name, server, token, lifetime: the value; 1 if the caller is to make it; 0 if another living server makes it.
    static let claim = RedisScript(
        "fleet claim",
        #"""
        local key = KEYS[1] .. 'fleet:once:' .. ARGV[1]
        local once = redis.call('HMGET', key, 'made', 'server', 'token')
        if once[1] then return once[1] end
        if once[3] and once[3] ~= ARGV[3]
          and redis.call('PUBSUB', 'NUMSUB', KEYS[1] .. 'fleet:server:' .. once[2])[2] > 0
        then return 0 end
        redis.call('HSET', key, 'server', ARGV[2], 'token', ARGV[3])
        redis.call('PEXPIRE', key, ARGV[4])
        return 1
        """#
    )

    /// name, token, and optionally lifetime and value: ends the claim if the token still holds it, and stores the
    /// value. Notifies waiters.
    static let endClaim = RedisScript(
        "fleet end claim",
        #"""
        local key = KEYS[1] .. 'fleet:once:' .. ARGV[1]
        if redis.call('HGET', key, 'token') ~= ARGV[2] then return 0 end
        redis.call('DEL', key)
        if ARGV[3] then
          redis.call('HSET', key, 'made', ARGV[4])
          redis.call('PEXPIRE', key, ARGV[3])
        end
        redis.call('PUBLISH', key, '')
        return 1
        """#
    )
}
