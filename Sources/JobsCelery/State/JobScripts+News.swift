extension JobScripts {
    /// Reads a record and the changes after a number. A waiting job, or another program's, counts as asked for.
    static let news = script(
        "news",
        #"""
        local job = redis.call('HMGET', key(A.id), 'state', 'finished', 'name', 'owner', 'page', 'version', 'attempt',
          'endReason', 'sequence', 'result', 'details', 'delivery', 'failureKind', 'failureCode', 'failureMessage',
          'failureTrace', 'remote')
        if not job[1] then return false end
        if job[2] and tonumber(job[2]) + tonumber(A.keep) <= now then return false end
        if job[17] == '1' then
          want(A.id, job[1])
        elseif job[1] == 'queued' then
          redis.call('ZADD', P .. 'queued', 'XX', 'GT', text(now), A.id)
        end
        return {job, redis.call('ZRANGEBYSCORE', P .. 'changes:' .. A.id, '(' .. A.after, '+inf')}
        """#
    )

    /// Keeps what a page was told last.
    static let record = script(
        "record",
        #"""
        local job = redis.call('HMGET', key(A.id), 'state', 'remote')
        if not job[1] then return 0 end
        redis.call('HSET', key(A.id), 'delivery', A.delivery)
        if job[2] == '1' then
          want(A.id, job[1])
        else
          redis.call('ZADD', P .. 'queued', 'XX', 'GT', text(now), A.id)
        end
        return 1
        """#
    )

    /// Cancels a job that waits, or asks one that runs to stop. Tells where it stands then, and whether it is another
    /// program's.
    static let cancel = script(
        "cancel",
        endings,
        #"""
        local job = redis.call('HMGET', key(A.id), 'state', 'remote')
        if not job[1] or over(job[1]) or job[1] == 'cancelling' then return {job[1], '0'} end
        if job[1] == 'running' and job[2] ~= '1' then
          redis.call('HSET', key(A.id), 'state', 'cancelling', 'endReason', A.reason)
          redis.call('HINCRBY', key(A.id), 'sequence', 1)
          redis.call('PUBLISH', P .. 'cancel', A.id)
          bell(A.id)
          return {'cancelling', '0'}
        end
        cancelled(A.id, A.reason)
        return {'cancelled', job[2]}
        """#
    )

    /// Reads a kept result; that counts as a use.
    static let cached = script(
        "cached",
        caching,
        #"""
        return kept(A.key)
        """#
    )

    /// How many jobs there are in each state, and how many can run.
    static let statistics = script(
        "statistics",
        #"""
        local capacity, workers = 0, redis.call('HGETALL', P .. 'capacity')
        for i = 1, #workers, 2 do
          if alive(workers[i]) then capacity = capacity + tonumber(workers[i + 1]) end
        end
        return {
          redis.call('ZCARD', P .. 'queued'), redis.call('ZCARD', P .. 'scheduled'),
          redis.call('ZCARD', P .. 'running'), redis.call('ZCARD', P .. 'remote'), capacity,
        }
        """#
    )
}
