extension JobScripts {
    /// Finds jobs that wait for a worker although their message is gone: it was purged, or its broker lost it. Some each
    /// second, whoever sweeps, each of them now and then, and only those that have waited for a while. One that is sent again
    /// for nothing does no harm: `begin` tells a second message of a job from the first.
    static let missing = #"""
        local newest, lengths = {}, {}

        -- A job that was started at a time is at work: what was put into its list long before was taken out or is gone.
        local function passed(list, created)
          if list and tonumber(created) > (newest[list] or 0) then newest[list] = tonumber(created) end
        end

        -- For other sweeps too: not each sees the jobs that run.
        local function keepPassed()
          for list, created in pairs(newest) do
            local known = tonumber(redis.call('HGET', P .. 'passed', list) or 0)
            if created > known then redis.call('HSET', P .. 'passed', list, text(created)) end
          end
        end

        local function readPassed()
          local all = redis.call('HGETALL', P .. 'passed')
          for i = 1, #all, 2 do passed(all[i], all[i + 1]) end
        end

        local function isOvertaken(list, since)
          return since + 1000 * A.doubt < (newest[list] or 0)
        end

        local function isEmpty(list)
          if not lengths[list] then lengths[list] = redis.call('LLEN', list) end
          return lengths[list] == 0
        end

        -- Whether a worker has the message and has not begun the job yet.
        local function isHeld(id)
          local message = redis.call('HGET', key(id), 'message') or ''
          local tag = message:sub(-100):match('"delivery_tag":%s*"([^"]+)"[%s}]*$')
          return tag and redis.call('HEXISTS', A.unacked, tag) == 1
        end

        local function sendAgain(id, moment)
          redis.call('HSET', key(id), 'looked', moment)
          redis.call('HINCRBY', key(id), 'resent', 1)
          push(id, true)
        end

        -- Whether a job has waited so long that its message is doubted; the oftener it was sent again, the longer.
        local function isDoubted(id, job, moment)
          if job[1] ~= 'queued' or job[2] then return false end
          if not job[3] then
            redis.call('HSET', key(id), 'looked', moment)
            return false
          end
          local wait = A.doubt * 2 ^ math.min(tonumber(job[4] or 0), 5)
          return moment - job[3] > wait and (A.lists == '1' or not redis.call('ZSCORE', P .. 'unsent', id))
        end

        -- Looks at the next of them. Those to be sent by a sweep's caller are added to `unsent`. Gives id and list of those
        -- that another broker has to be asked about: when it has an empty queue, and workers have room for what they hold.
        local function look(moment, hasRoom, unsent)
          keepPassed()
          local asked, place = {}, redis.call('HMGET', P .. 'totals', 'nextLook', 'cursor')
          if moment < tonumber(place[1] or 0) then return asked end
          readPassed()
          local found = redis.call('ZSCAN', P .. 'queued', place[2] or '0', 'COUNT', 300)
          local pause = math.min(1, A.doubt / 2)
          if found[1] == '0' then pause = A.doubt / 2 end
          redis.call('HSET', P .. 'totals', 'nextLook', moment + pause, 'cursor', found[1])
          for i = 1, #found[2], 2 do
            local id = found[2][i]
            local job = redis.call('HMGET', key(id), 'state', 'follows', 'looked', 'resent', 'list', 'sent', 'created')
            if isDoubted(id, job, moment) then
              local overtaken = isOvertaken(job[5], tonumber(job[6] or job[7]))
              if A.lists == '1' then
                if (overtaken or isEmpty(job[5])) and not isHeld(id) then sendAgain(id, moment) end
              elseif overtaken then
                sendAgain(id, moment)
                unsent[#unsent + 1] = id
              elseif hasRoom then
                redis.call('HSET', key(id), 'looked', moment)
                asked[#asked + 1] = {id, job[5]}
              end
            end
          end
          return asked
        end
        """#

    /// A job's queue is empty, and it waits: its message is to be sent again. Noted as not sent until it is.
    static let resend = script(
        "resend",
        #"""
        if redis.call('HGET', key(A.id), 'state') ~= 'queued' then return 0 end
        redis.call('HINCRBY', key(A.id), 'resent', 1)
        push(A.id)
        return 1
        """#
    )
}
