/// The Lua scripts of `JobRecords`. `JobRecords` tells of the keys.
enum JobScripts {
    /// What all scripts begin with: `P` is the prefix, `A` the named arguments, `first` the place of the others in `ARGV`.
    static let common = #"""
        local P, A = KEYS[1], {}
        local first = 2 + 2 * tonumber(ARGV[1])
        for i = 2, first - 1, 2 do A[ARGV[i]] = ARGV[i + 1] end
        local now = tonumber(A.now)

        local function text(number) return string.format('%.0f', number + 0) end
        local function key(id) return P .. 'job:' .. id end
        local function bell(id) redis.call('PUBLISH', P .. 'news:' .. id, '') end

        local function seconds()
          local time = redis.call('TIME')
          return time[1] + time[2] / 1000000
        end

        local function over(state)
          return state ~= 'scheduled' and state ~= 'queued' and state ~= 'running' and state ~= 'cancelling'
        end

        -- Whether a worker lives, asked once.
        local living = {}
        local function alive(worker)
          if not worker then return false end
          if living[worker] == nil then living[worker] = dash_is_alive(P .. 'workers', A.lifeLine, worker) end
          return living[worker]
        end

        -- Sends a job's message: into its list at once, or by whoever sends those that are noted.
        local function push(id, isNext)
          if A.lists == '1' then
            local job = redis.call('HMGET', key(id), 'list', 'message')
            if job[2] then redis.call(isNext and 'RPUSH' or 'LPUSH', job[1], job[2]) end
          else
            redis.call('ZADD', P .. 'unsent', seconds() + 5, id)
          end
        end

        -- Has a job wait for a worker. It has a message in its queue, or `push` follows.
        local function queue(id)
          redis.call('ZREM', P .. 'running', id)
          redis.call('ZREM', P .. 'scheduled', id)
          redis.call('HSET', key(id), 'state', 'queued', 'sent', text(now))
          redis.call('HDEL', key(id), 'due', 'fence', 'holder', 'tag', 'orphaned', 'looked', 'resent')
          redis.call('ZADD', P .. 'queued', text(now), id)
        end

        -- Acknowledges the message of a delivery.
        local function settle()
          if A.lists == '1' then dash_release(A.unacked, A.unackedIndex, A.holders, A.tag, A.worker) end
        end

        -- Somebody asked for a job of another program's worker, or it told something: for so long it is kept without more.
        local function want(id, state)
          local patience = state == 'queued' and A.abandon or A.silence
          redis.call('ZADD', P .. 'wanted', 'XX', 'GT', text(now + patience), id)
        end

        local function release(id)
          local job = redis.call('HMGET', key(id), 'owner', 'size', 'remote')
          if redis.call('HINCRBY', P .. 'owners', job[1], -1) <= 0 then redis.call('HDEL', P .. 'owners', job[1]) end
          redis.call('HINCRBY', P .. 'totals', 'bytes', text(0 - job[2]))
          local sets = job[3] == '1' and {'remote', 'wanted', 'unsent'} or {'queued', 'scheduled', 'running', 'unsent'}
          for _, set in ipairs(sets) do redis.call('ZREM', P .. set, id) end
        end
        """#

    /// Kept results: those that were not used for the longest time make room for others.
    static let caching = #"""
        local function drop(name)
          local size = redis.call('HGET', P .. 'cacheSizes', name)
          if size then redis.call('HINCRBY', P .. 'totals', 'cacheBytes', text(0 - size)) end
          redis.call('HDEL', P .. 'cacheSizes', name)
          redis.call('ZREM', P .. 'cached', name)
          redis.call('DEL', P .. 'cache:' .. name)
        end

        -- Tidies up by itself what has not been used for so long that it counts no more.
        local function use(name, expire)
          local place = P .. 'cache:' .. name
          redis.call('HSET', place, 'used', text(now))
          redis.call('ZADD', P .. 'cached', text(now), name)
          if expire ~= '' then redis.call('PEXPIRE', place, text(math.min(2 * tonumber(expire) + 60000, 3e11))) end
        end

        -- The result that is kept under a key; that counts as a use.
        local function kept(name)
          local cached = redis.call('HMGET', P .. 'cache:' .. name, 'result', 'expire', 'used')
          if not cached[1] then return false end
          if cached[2] ~= '' and tonumber(cached[3]) + tonumber(cached[2]) <= now then
            drop(name)
            return false
          end
          use(name, cached[2])
          return cached[1]
        end

        -- Keeps a result under the key that the starter named, if any.
        local function cache(id, result)
          local wish = redis.call('HMGET', key(id), 'cacheKey', 'cacheExpire')
          if not wish[1] then return end
          drop(wish[1])
          local limit = tonumber(A.maximumCache)
          if #result > limit then return end
          redis.call('HSET', P .. 'cache:' .. wish[1], 'result', result, 'expire', wish[2])
          use(wish[1], wish[2])
          redis.call('HSET', P .. 'cacheSizes', wish[1], #result)
          redis.call('HINCRBY', P .. 'totals', 'cacheBytes', #result)
          while tonumber(redis.call('HGET', P .. 'totals', 'cacheBytes')) > limit do
            drop(redis.call('ZRANGE', P .. 'cached', 0, 0)[1])
          end
        end
        """#

    /// Jobs that are not finished and are to keep their result under one key: one runs for all.
    static let flights = #"""
        local finish

        -- Has a job wait for the end of another with its key, if there is one that can still come to a good end.
        local function follow(id, name)
          local leader = redis.call('HGET', P .. 'flights', name)
          local state = leader and redis.call('HGET', key(leader), 'state')
          if state and state ~= 'cancelling' and not over(state) then
            redis.call('HSET', key(id), 'follows', name)
            redis.call('RPUSH', P .. 'followers:' .. name, id)
            return true
          end
          redis.call('HSET', P .. 'flights', name, id)
          return false
        end

        -- Those that waited for a job get its end, where that says something of them; else the next of them runs.
        local function land(id, state, fields)
          local name = redis.call('HGET', key(id), 'cacheKey')
          if not name or redis.call('HGET', P .. 'flights', name) ~= id then return end
          redis.call('HDEL', P .. 'flights', name)
          local kind = (state == 'failed' or state == 'timedOut') and fields[2]
          local isShared = state == 'succeeded' or kind == 'error' or kind == 'tooLarge' or kind == 'timedOut'
            or kind == 'incompatible'
          while true do
            local other = redis.call('LPOP', P .. 'followers:' .. name)
            if not other then return end
            local known = redis.call('HMGET', key(other), 'state', 'follows')
            if known[1] == 'queued' and known[2] then
              if isShared then
                finish(other, state, fields)
              else
                redis.call('HDEL', key(other), 'follows')
                redis.call('HSET', key(other), 'sent', text(now))
                redis.call('HSET', P .. 'flights', name, other)
                push(other)
                -- Nobody waits here to send it: the next sweep does.
                if A.lists ~= '1' then redis.call('ZADD', P .. 'unsent', seconds(), other) end
                return
              end
            end
          end
        end
        """#

    /// The end of a job.
    static let endings =
        caching + "\n" + flights + "\n" + #"""
            -- Celery's result, for those who know the task by its id.
            local function tell(id, meta)
              if not meta or meta == '' then return end
              local place = A.metaPrefix .. id
              if tonumber(A.metaExpiry) > 0 then
                redis.call('SETEX', place, A.metaExpiry, meta)
              else
                redis.call('SET', place, meta)
              end
              redis.call('PUBLISH', place, meta)
            end

            local function meta(id, status, class, message, module)
              return '{"status":"' .. status .. '","result":{"exc_type":' .. cjson.encode(class) .. ',"exc_message":['
                .. cjson.encode(message) .. '],"exc_module":"' .. module .. '"},"traceback":null,"children":[],"date_done":"'
                .. A.date .. '","task_id":"' .. id .. '"}'
            end

            function finish(id, state, fields)
              release(id)
              redis.call('HINCRBY', key(id), 'sequence', 1)
              redis.call('HSET', key(id), 'state', state, 'finished', text(now), unpack(fields or {}))
              redis.call('HDEL', key(id), 'message', 'fence', 'holder', 'tag', 'due', 'stop', 'orphaned')
              redis.call('DEL', P .. 'places:' .. id)
              redis.call('ZADD', P .. 'finished', text(now), id)
              redis.call('PEXPIRE', key(id), A.collect)
              redis.call('PEXPIRE', P .. 'changes:' .. id, A.collect)
              bell(id)
              land(id, state, fields)
            end

            local function cancelled(id, reason, word)
              finish(id, 'cancelled', reason and {'endReason', reason})
              tell(id, meta(id, 'REVOKED', 'TaskRevokedError', word or 'revoked', 'celery.exceptions'))
            end

            local function failed(id, state, kind, code, message, trace)
              local fields = {'failureKind', kind, 'failureCode', code, 'failureMessage', message}
              if trace and trace ~= '' then
                fields[7] = 'failureTrace'
                fields[8] = trace
              end
              finish(id, state, fields)
            end

            -- A worker process vanished with the job. Another attempt is to follow, but not for ever: the job may be the cause.
            local function lost(id)
              local count = redis.call('HINCRBY', key(id), 'interruptions', 1)
              if count <= tonumber(A.interruptions) then return false end
              local message = 'The worker process that ran the job vanished ' .. count .. ' times. The job is not tried again.'
              failed(id, 'lost', 'lost', 'lost', message)
              tell(id, meta(id, 'FAILURE', 'WorkerLostError', message, 'billiard.exceptions'))
              return true
            end
            """#

    static func script(_ name: String, _ parts: String...) -> RedisScript {
        let common = [RedisBroker.settlementScriptPart, LivenessScripts.rule, common]
        return RedisScript(name, (common + parts).joined(separator: "\n"))
    }
}
