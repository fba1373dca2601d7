extension JobScripts {
    /// A message of a job came to a worker. Begins an attempt, or tells why not.
    static let begin = script(
        "begin",
        endings,
        #"""
        local id, job = A.id, key(A.id)
        local known = redis.call('HMGET', job, 'state', 'fence', 'holder', 'tag', 'attempt', 'name', 'version')
        local state = known[1]
        if not state or over(state) or state == 'scheduled' then return {'over'} end
        if known[2] == A.fence then return {'run', known[5], known[6]} end
        if A.versions ~= '' and A.name ~= (known[6] or '') then return {'named', known[6]} end

        if state ~= 'queued' then
          -- The same tag again means that the message was taken from its holder, whether that lives or not.
          if known[4] ~= A.tag and alive(known[3]) then return {'elsewhere'} end
          if state == 'cancelling' then
            cancelled(id, nil, 'terminated')
            return {'over'}
          end
          if lost(id) then return {'over'} end
        end

        if A.versions ~= '' and (A.versions == 'gone' or A.version ~= known[7]) then
          local what = 'has another “' .. known[6] .. '”'
          if A.versions == 'gone' then what = 'has no job “' .. known[6] .. '” any more' end
          local message = 'The job was started by an earlier version of the program. This one ' .. what .. '.'
          failed(id, 'failed', 'incompatible', 'version', message)
          tell(id, meta(id, 'FAILURE', 'version', message, 'swift'))
          return {'over'}
        end

        redis.call('ZADD', P .. 'workers', 'GT', seconds() + A.lease, A.worker)
        redis.call('DEL', P .. 'changes:' .. id, P .. 'places:' .. id)
        redis.call('ZREM', P .. 'queued', id)
        redis.call('ZREM', P .. 'unsent', id)
        redis.call('ZADD', P .. 'running', seconds(), id)
        redis.call('HDEL', job, 'due', 'stop', 'orphaned', 'looked', 'resent')
        redis.call('HSET', job, 'state', 'running', 'fence', A.fence, 'holder', A.worker, 'tag', A.tag, 'started',
          text(now), 'changesSize', 0, 'batch', 0)
        return {'run', redis.call('HINCRBY', job, 'attempt', 1), known[6]}
        """#
    )

    /// Merging of changes: `ARGV` holds four for each: the place, whether it is a Patch, its size, its text.
    static let merging = #"""
        local changes, places = P .. 'changes:' .. A.id, P .. 'places:' .. A.id

        local function cut(entry) return entry:match('^(%d+),(%d+),(%d+);') end

        -- Removes all changes of a place and returns their size. Of a chain that lost links the oldest is left.
        local function unlink(place)
          local mark, freed = redis.call('HGET', places, place), 0
          if not mark then return 0 end
          local at, oldest = mark:match('^(%d+),(%d+)$')
          while at and at ~= '0' do
            local entry = redis.call('ZRANGEBYSCORE', changes, at, at)[1]
            if entry then
              local previous, _, size = cut(entry)
              freed = freed + size
              redis.call('ZREMRANGEBYSCORE', changes, at, at)
              at = previous
            else
              at = at ~= oldest and oldest
            end
          end
          return freed
        end

        local function merge(sequence, size)
          for i = first, #ARGV, 4 do
            local place = ARGV[i]
            sequence = sequence + 1
            local previous, oldest = '0', text(sequence)
            local mark = redis.call('HGET', places, place)
            if ARGV[i + 1] == '0' then
              size = size - unlink(place)
            elseif mark then
              previous, oldest = mark:match('^(%d+),(%d+)$')
            end
            redis.call('ZADD', changes, text(sequence), previous .. ',' .. oldest .. ',' .. ARGV[i + 2] .. ';' .. ARGV[i + 3])
            redis.call('HSET', places, place, text(sequence) .. ',' .. oldest)
            size = size + ARGV[i + 2]
          end
          return sequence, size
        end

        -- Forgets Patches that the page has; what they are added to stays.
        local function dropPatches(through, size)
          local known = redis.call('ZRANGEBYSCORE', changes, '-inf', through, 'WITHSCORES')
          for i = 1, #known, 2 do
            local previous, _, bytes = cut(known[i])
            if previous ~= '0' then
              redis.call('ZREMRANGEBYSCORE', changes, known[i + 1], known[i + 1])
              size = size - bytes
            end
          end
          return size
        end
        """#

    /// Takes in what an attempt sent, once for each number of a batch.
    static let update = script(
        "update",
        merging,
        #"""
        local job = key(A.id)
        local known = redis.call('HMGET', job, 'state', 'fence', 'stop', 'batch', 'sequence', 'changesSize', 'delivery')
        if known[2] ~= A.fence then return 'superseded' end
        if known[1] == 'cancelling' then return 'cancelled' end
        if known[3] then return 'tooLarge' end
        if tonumber(A.batch) <= tonumber(known[4]) or first > #ARGV then return 'current' end

        local sequence, size = merge(tonumber(known[5]), tonumber(known[6]))
        local limit, answer = tonumber(A.maximumChanges), 'current'
        if size > limit and known[7] then size = dropPatches(known[7]:match('^%d+,(%d+),'), size) end
        if size > limit then
          redis.call('HSET', job, 'stop', 'The job sent ' .. text(size)
            .. ' bytes of progress and properties to its page, more than the ' .. text(limit) .. ' allowed.')
          redis.call('DEL', changes, places)
          size, answer = 0, 'tooLarge'
        end
        redis.call('HSET', job, 'sequence', text(sequence), 'changesSize', text(size), 'batch', A.batch)
        bell(A.id)
        return answer
        """#
    )

    /// An attempt ended: the job's end, or its wait for the next one.
    static let end = script(
        "end",
        endings,
        #"""
        local id, job = A.id, key(A.id)
        local known = redis.call('HMGET', job, 'state', 'fence', 'lastFence', 'lastEnding', 'stop', 'retryLimit',
          'retryFirst', 'retryFactor', 'retryLongest')
        if known[2] ~= A.fence then return known[3] == A.fence and known[4] or 'refused' end

        local function answer(ending)
          redis.call('HSET', job, 'lastFence', A.fence, 'lastEnding', ending)
          settle()
          return ending
        end

        if known[1] == 'cancelling' then
          cancelled(id, nil, 'terminated')
          return answer('cancelled')
        end
        if known[5] then
          failed(id, 'failed', 'tooLarge', 'changes', known[5])
          tell(id, meta(id, 'FAILURE', 'changes', known[5], 'swift'))
          return answer('failed')
        end
        if A.outcome == 'succeeded' then
          finish(id, 'succeeded', {'result', A.result})
          cache(id, A.result)
          tell(id, A.meta)
          return answer('succeeded')
        end
        if A.outcome == 'cancelled' then
          cancelled(id, nil, 'terminated')
          return answer('cancelled')
        end
        if A.outcome == 'shutDown' then
          -- Nobody's fault: it runs again. On another broker the worker gives the message back.
          queue(id)
          if A.lists == '1' then push(id, true) end
          return answer('again')
        end

        local failures = redis.call('HINCRBY', job, 'failures', 1)
        if A.retryable ~= '1' or failures > tonumber(known[6]) then
          local state = 'failed'
          if A.kind == 'lost' or A.kind == 'timedOut' then state = A.kind end
          failed(id, state, A.kind, A.code, A.message, A.trace)
          tell(id, A.meta)
          return answer(state)
        end
        local wait, factor, longest = tonumber(known[7]), tonumber(known[8]), tonumber(known[9])
        for _ = 2, factor > 1 and failures or 1 do
          if wait >= longest then break end
          wait = wait * factor
        end
        wait = math.floor(math.min(wait, longest))
        queue(id)
        if wait > 0 then
          redis.call('ZREM', P .. 'queued', id)
          redis.call('HSET', job, 'state', 'scheduled', 'due', text(now + wait))
          redis.call('ZADD', P .. 'scheduled', text(now + wait), id)
        else
          push(id, true)
        end
        redis.call('HINCRBY', job, 'sequence', 1)
        bell(id)
        return answer('again')
        """#
    )
}
