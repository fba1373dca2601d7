/// What runs in Redis for results.
enum ResultScripts {
    /// A Lua function for scripts that write a result together with other things:
    /// `store_meta(key, json, expires)` stores the meta unless a success is stored, tells the channel of the same name,
    /// and returns 1, or 0 if it did not. `expires` is in seconds; 0 keeps it for ever.
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

    /// Keys: the meta's. Arguments: its JSON, the seconds it is kept.
    static let store = RedisScript(
        "store a result",
        storeFunction + "return store_meta(KEYS[1], ARGV[1], ARGV[2])"
    )

    /// Keys: those of metas. Arguments: the seconds they are kept, and their JSON in the same order.
    static let storeAll = RedisScript(
        "store results",
        storeFunction + "for place, key in ipairs(KEYS) do store_meta(key, ARGV[1 + place], ARGV[1]) end"
    )

    /// Counts a part of a chord, as Celery 5.7 does, so that parts may run in workers of either sort.
    ///
    /// Keys: `.j .t .s .d`, the group's, `.c`. Arguments: task id, record, score, seconds the chord is kept, seconds the
    /// group is kept, seconds of the claim, its token. Answers an array: the records in order if the claim was won.
    static let endPart = RedisScript(
        "end a part of a chord",
        """
        local jkey, tkey, skey, dkey, gkey, ckey = unpack(KEYS)
        local id, record, score = ARGV[1], ARGV[2], ARGV[3]
        local expires, group_expires = tonumber(ARGV[4]), tonumber(ARGV[5])
        if redis.call('GET', ckey) == 'done' then return false end
        local member = id .. ':' .. score
        if redis.call('SISMEMBER', dkey, member) == 0 then
            redis.call('ZADD', jkey, score, record)
            redis.call('SADD', dkey, member)
        end
        local ready = redis.call('ZCARD', jkey)
        if expires > 0 then
            for _, key in ipairs({jkey, tkey, skey, dkey}) do redis.call('EXPIRE', key, expires) end
            if group_expires > 0 then redis.call('EXPIRE', gkey, group_expires) end
        end
        local size = redis.call('GET', skey)
        local more = redis.call('GET', tkey)
        if not size or ready ~= tonumber(size) + tonumber(more or 0) then return false end
        if not redis.call('SET', ckey, ARGV[7], 'NX', 'EX', ARGV[6]) and redis.call('GET', ckey) ~= ARGV[7] then
            return false
        end
        return {redis.call('GET', gkey), redis.call('ZRANGE', jkey, 0, -1)}
        """
    )

    /// Keys: `.c .s`. Arguments: the claim's token, its seconds. Answers 1 if the claim is still, or again, ours.
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

    /// Keys: `.c .j .t .s .d`. Arguments: the claim's token, the seconds that late duplicates are kept off.
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
