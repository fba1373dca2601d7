/// The Lua scripts of `RedisSharedState`, which tells of the keys. `KEYS[1]` is the prefix. Each may be said twice.
enum SharedStateScripts {
    /// The channel that a server listens to.
    static func channel(ofServer server: String, prefix: String) -> String { prefix + "fleet:server:" + server }

    /// What the scripts of places have in common.
    private static let slots =
        #"""
        local places = KEYS[1] .. 'fleet:places:' .. ARGV[1]
        local orders = KEYS[1] .. 'fleet:orders:' .. ARGV[1]

        -- What a place holds: value, order, the value before. Each is empty where there is none.
        local function held(place)
          return (redis.call('HGET', places, place) or ''):match('^([^\n]*)\n?([^\n]*)\n?(.*)$')
        end

        -- By a hash, for names are as long as a page makes them.
        local function member(kind, name) return kind .. redis.sha1hex(name) end

        local function isLater(order, than) return order and (tonumber(order) or -1) > tonumber(than) end

        local function remember(kind, name, order, lifetime, most)
          local member = member(kind, name)
          if not isLater(redis.call('ZSCORE', orders, member), order) then redis.call('ZADD', orders, order, member) end
          redis.call('ZREMRANGEBYRANK', orders, 0, -most - 1)
          redis.call('PEXPIRE', orders, lifetime)
        end
        """# + "\n"

    /// group, place, value, order or nothing, lifetime, marks…: puts a value and gives the one before; 0 if it is late.
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

    /// group, place, value, and for how long and of how many the order is remembered: empties the place if it holds the
    /// value; 1 if it did.
    static let remove = RedisScript(
        "fleet remove",
        slots + #"""
            local value, order = held(ARGV[2])
            if value ~= ARGV[3] then return 0 end
            if order ~= '' then remember('place', ARGV[2], order, ARGV[4], ARGV[5]) end
            return redis.call('HDEL', places, ARGV[2])
            """#
    )

    /// group, order, for how long and how many are remembered, marks…: raises the marks to the order.
    static let mark = RedisScript(
        "fleet mark",
        slots + #"""
            for mark = 5, #ARGV do remember('mark', ARGV[mark], ARGV[2], ARGV[3], ARGV[4]) end
            """#
    )

    /// group, holder, limit, longest hold: notes a holder and tells the servers of those that are too many.
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

    /// group, holder: forgets a holder.
    static let release = RedisScript(
        "fleet let go",
        "return redis.call('ZREM', KEYS[1] .. 'fleet:polls:' .. ARGV[1], ARGV[2])"
    )

    /// name, server, token, lifetime: what was made; 1 if the caller is to make it; 0 if a server that lives does.
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

    /// name, token, and optionally lifetime and value: ends the claim if the token still holds it, and stores the value.
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
