extension JobScripts {
    /// Takes a job in and sends its message, unless there is one of the same id or a limit is reached.
    static let insert = script(
        "insert",
        endings,
        #"""
        if redis.call('EXISTS', key(A.id)) == 1 then return {'known'} end
        local waiting = redis.call('ZCARD', P .. 'queued') + redis.call('ZCARD', P .. 'scheduled')
        if A.remote == '0' and waiting >= tonumber(A.maximumQueued) then return {'busy', waiting} end
        local bytes = tonumber(redis.call('HGET', P .. 'totals', 'bytes') or 0)
        if tonumber(A.size) > tonumber(A.maximumBytes) - bytes then return {'bytes', bytes} end
        local count = tonumber(redis.call('HGET', P .. 'owners', A.owner) or 0)
        if count >= tonumber(A.maximumPerOwner) then return {'owner', count} end

        redis.call('HSET', key(A.id), 'state', 'queued', 'created', text(now), 'owner', A.owner, 'size', A.size,
          'remote', A.remote, 'sequence', 0, 'attempt', 0, unpack(ARGV, first))
        redis.call('HINCRBY', P .. 'owners', A.owner, 1)
        redis.call('HINCRBY', P .. 'totals', 'bytes', A.size)
        if A.remote == '1' then
          redis.call('ZADD', P .. 'remote', seconds() + 5, A.id)
          redis.call('ZADD', P .. 'wanted', text(now + A.abandon), A.id)
        else
          redis.call('ZADD', P .. 'queued', text(now), A.id)
        end
        if A.cacheKey ~= '' and A.remote == '0' then
          local result = A.usesKept == '1' and kept(A.cacheKey)
          if result then
            finish(A.id, 'succeeded', {'result', result})
            return {'waits'}
          end
          if follow(A.id, A.cacheKey) then return {'waits'} end
        end
        push(A.id)
        return {'started'}
        """#
    )

    /// Takes a job back whose message could not be sent. One that was begun or ended is left alone.
    static let withdraw = script(
        "withdraw",
        endings,
        #"""
        local job = redis.call('HMGET', key(A.id), 'state', 'attempt')
        if job[1] ~= 'queued' or job[2] ~= '0' then return 0 end
        release(A.id)
        land(A.id)
        redis.call('DEL', key(A.id))
        bell(A.id)
        return 1
        """#
    )
}
