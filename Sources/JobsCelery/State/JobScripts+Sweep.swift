extension JobScripts {
    /// What time brings about. Any process may run it at any time; all may at once.
    ///
    /// `ARGV` holds the jobs whose news somebody waits for. The answer: whether there was more to do than is done in one go,
    /// the jobs whose message is to be sent now, those of other programs to be looked at now, the jobs that wait for a
    /// worker, the workers, the jobs whose message is gone if the named queue is empty, and those of other programs that
    /// nobody wants any more.
    static let sweep = script(
        "sweep",
        endings,
        missing,
        silence,
        #"""
        local most, hasMore = 200, 0
        local function range(set, limit)
          local found = redis.call('ZRANGEBYSCORE', P .. set, '-inf', limit, 'LIMIT', 0, most)
          if #found == most then hasMore = 1 end
          return found
        end

        for i = first, #ARGV do
          redis.call('ZADD', P .. 'queued', 'XX', 'GT', text(now), ARGV[i])
          want(ARGV[i], 'queued')
        end

        local due = range('scheduled', text(now))
        -- The one that was due first is put where the next is taken.
        for i = #due, 1, -1 do
          queue(due[i])
          push(due[i], true)
        end

        for _, id in ipairs(range('queued', text(now - tonumber(A.abandon)))) do cancelled(id, 'abandoned') end

        local left = {}
        for _, id in ipairs(range('wanted', text(now))) do
          if redis.call('HGET', key(id), 'state') == 'queued' then
            cancelled(id, 'abandoned')
            left[#left + 1] = id
          else
            silent(id)
          end
        end

        for _, id in ipairs(range('finished', text(now - tonumber(A.keep)))) do
          redis.call('DEL', key(id), P .. 'changes:' .. id, P .. 'places:' .. id)
          redis.call('ZREM', P .. 'finished', id)
        end

        -- Jobs whose worker is gone: its message comes back by itself. Those whose message does not are sent again.
        -- Whoever sweeps looks at some, those first that were not looked at for the longest time, and each once a second.
        local moment = seconds()
        for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'running', '-inf', moment, 'LIMIT', 0, 1000)) do
          redis.call('ZADD', P .. 'running', moment + 1, id)
          local job = redis.call('HMGET', key(id), 'state', 'holder', 'orphaned', 'list', 'created', 'attempt', 'sent')
          if not job[1] then
            redis.call('ZREM', P .. 'running', id)
          elseif alive(job[2]) then
            if job[6] == '1' and not job[7] then passed(job[4], job[5]) end
            if job[3] then redis.call('HDEL', key(id), 'orphaned') end
          elseif not job[3] then
            redis.call('HSET', key(id), 'orphaned', moment)
          elseif moment - job[3] > tonumber(A.orphanedAfter) then
            if job[1] == 'cancelling' then
              cancelled(id, nil, 'terminated')
            elseif not lost(id) then
              queue(id)
              push(id, true)
              bell(id)
            end
          end
        end

        local unsent = range('unsent', moment)
        for _, id in ipairs(due) do
          if A.lists ~= '1' then unsent[#unsent + 1] = id end
        end
        for _, id in ipairs(unsent) do redis.call('ZADD', P .. 'unsent', moment + 5, id) end

        local remote = range('remote', moment)
        for _, id in ipairs(remote) do redis.call('ZADD', P .. 'remote', 'XX', moment + 5, id) end

        local workers, places, all = 0, 0, redis.call('HGETALL', P .. 'capacity')
        for i = 1, #all, 2 do
          if alive(all[i]) then
            workers = workers + 1
            places = places + all[i + 1]
          elseif moment - (redis.call('ZSCORE', P .. 'workers', all[i]) or 0) > 60 then
            redis.call('HDEL', P .. 'capacity', all[i])
            redis.call('ZREM', P .. 'workers', all[i])
          end
        end
        local waiting = redis.call('ZCARD', P .. 'queued')
        local hasRoom = workers == 0 or redis.call('ZCARD', P .. 'running') < places
        return {hasMore, unsent, remote, waiting, workers, waiting > 0 and look(moment, hasRoom, unsent) or {},
          left}
        """#
    )

    /// Renews a worker's lease and says how many jobs it runs at once.
    static let announce = script(
        "announce",
        #"""
        redis.call('ZADD', P .. 'workers', seconds() + A.lease, A.worker)
        redis.call('HSET', P .. 'capacity', A.worker, A.concurrency)
        return 1
        """#
    )

    /// Takes that back.
    static let forget = script(
        "forget",
        #"""
        redis.call('ZREM', P .. 'workers', A.worker)
        redis.call('HDEL', P .. 'capacity', A.worker)
        return 1
        """#
    )

    /// The end of a task that another program's worker began. Python's workers acknowledge a message before its task runs:
    /// of one that is killed nobody tells.
    private static let silence = #"""
        local function silent(id)
          if redis.call('EXISTS', key(id)) == 0 then return redis.call('ZREM', P .. 'wanted', id) end
          local message = 'Another program\'s worker began the task, then told nothing for ' .. A.silence / 1000
            .. ' seconds, while nobody asked for it. The worker counts as gone.'
          failed(id, 'lost', 'lost', 'lost', message)
          tell(id, meta(id, 'FAILURE', 'WorkerLostError', message, 'billiard.exceptions'))
        end
        """#

    /// What Celery's result tells of a job that another program's worker does, once for each text.
    static let remote = script(
        "remote",
        endings,
        merging,
        #"""
        local id, job = A.id, key(A.id)
        local known = redis.call('HMGET', job, 'state', 'remote', 'told', 'sequence')
        if not known[1] or known[2] ~= '1' or over(known[1]) then return 'over' end
        local digest = redis.sha1hex(A.meta)
        if known[3] == digest then return known[1] end
        redis.call('HSET', job, 'told', digest)
        want(id, 'running')
        if known[1] == 'queued' then redis.call('HSET', job, 'state', 'running', 'attempt', 1, 'started', text(now)) end

        if A.sort == 'running' then
          if first <= #ARGV then
            redis.call('HSET', job, 'sequence', text((merge(tonumber(known[4]), 0))))
            bell(id)
          end
          return 'running'
        elseif A.sort == 'succeeded' then
          finish(id, 'succeeded', {'result', A.result})
          cache(id, A.result)
        elseif A.sort == 'cancelled' then
          finish(id, 'cancelled', {'endReason', A.reason})
        else
          failed(id, 'failed', A.kind, A.code, A.message, A.trace)
        end
        return A.sort
        """#
    )
}
