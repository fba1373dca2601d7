import RedisClient

/// The Lua scripts of the records. They implement storage; the rules are in Swift.
///
/// `KEYS`: prefix of the records' keys, prefix of worker channels. `ARGV`: job id, a test's clock in milliseconds or
/// empty, then the arguments of each script.
enum RecordScripts {
    static func script(_ name: String, _ parts: [String]) -> RedisScript {
        RedisScript(name, ([common] + parts).joined(separator: "\n"))
    }

    static func script(_ name: String, _ parts: String...) -> RedisScript { script(name, parts) }

    /// Prelude of all scripts. Times of rules are in milliseconds, times of workers and messages in seconds.
    private static let common = #"""
        local P, id = KEYS[1], ARGV[1]
        local job, time = P .. 'job:' .. id, redis.call('TIME')
        local stamp = time[1] + time[2] / 1000000
        local now = ARGV[2] ~= '' and tonumber(ARGV[2]) or math.floor(stamp * 1000)
        local function text(number) return string.format('%.0f', number + 0) end
        """#

    /// Whether a worker is alive, checked once per call.
    static let living =
        LivenessScripts.rule + #"""
            local living = {}
            local function alive(worker)
              if worker and living[worker] == nil then
                living[worker] = dash_is_alive(P .. 'workers', KEYS[2], worker)
              end
              return living[worker]
            end
            """#

    /// `cached`: whether an unexpired cached result exists. `use`: records its use.
    static let cacheReading = #"""
        local function cached(name)
          local found = redis.call('HMGET', P .. 'cache:' .. name, 'used', 'expire')
          return found[1] and (found[2] == '' or found[1] + found[2] > now), found[2]
        end
        local function use(name, expire)
          redis.call('HSET', P .. 'cache:' .. name, 'used', text(now))
          redis.call('ZADD', P .. 'cached', text(now), name)
          if expire ~= '' then redis.call('PEXPIRE', P .. 'cache:' .. name, text(math.min(2 * expire + 60000, 3e11))) end
        end
        """#

    /// Renews the interest in a polled job; the times are how long another program's waiting or running task is kept.
    private static let interest = #"""
        local function want(id, state, isRemote, waiting, running)
          local wait = isRemote and (state == 'queued' and waiting or running) or 0
          redis.call('ZADD', P .. (isRemote and 'wanted' or 'queued'), 'XX', 'GT', text(now + wait), id)
        end
        """#

    /// Reads a record and its changes after a number, and renews the interest in it: number, how long a finished record
    /// is kept, times of `interest`.
    static let news = script(
        "news",
        interest,
        #"""
        local found = redis.call('HMGET', job, 'state', 'finished', 'name', 'owner', 'page', 'version', 'attempt',
          'endReason', 'sequence', 'result', 'details', 'delivery', 'failureKind', 'failureCode', 'failureMessage',
          'failureTrace', 'remote')
        if not found[1] or (found[2] and found[2] + ARGV[4] <= now) then return false end
        want(id, found[1], found[17] == '1', ARGV[5], ARGV[6])
        return {found, redis.call('ZRANGEBYSCORE', P .. 'changes:' .. id, '(' .. ARGV[3], '+inf')}
        """#
    )

    /// Stores the last delivery to a page, and renews the interest: delivery, times of `interest`.
    static let record = script(
        "record",
        interest,
        #"""
        local found = redis.call('HMGET', job, 'state', 'remote')
        if not found[1] then return end
        redis.call('HSET', job, 'delivery', ARGV[3])
        want(id, found[1], found[2] == '1', ARGV[4], ARGV[5])
        """#
    )

    /// Reads a cached result and records its use: key.
    static let cachedResult = script(
        "cached result",
        cacheReading,
        #"""
        local isThere, expire = cached(ARGV[3])
        if not isThere then return false end
        use(ARGV[3], expire)
        return redis.call('HGET', P .. 'cache:' .. ARGV[3], 'result')
        """#
    )

    /// Returns the numbers of queued, scheduled, running and remote jobs, and the number that can run at once.
    static let statistics = script(
        "statistics",
        living,
        #"""
        local capacity, all = 0, redis.call('HGETALL', P .. 'capacity')
        for i = 1, #all, 2 do if alive(all[i]) then capacity = capacity + all[i + 1] end end
        local function count(set) return redis.call('ZCARD', P .. set) end
        return {count('queued'), count('scheduled'), count('running'), count('remote'), capacity}
        """#
    )

    /// Returns what is due: how long a waiting job is kept, a finished one, a running task of another program, then the
    /// jobs with waiters. Returns whether there is more, the number of queued jobs, the living workers, and the due
    /// jobs of each kind. Changes only when to check again; transitions do the rest. Any process may run it at any
    /// time.
    static let due = script(
        "due",
        living,
        interest,
        #"""
        local most, hasMore, workers = 200, 0, {}
        local function range(set, limit, again)
          local found = redis.call('ZRANGEBYSCORE', P .. set, '-inf', limit, 'LIMIT', 0, most)
          if #found == most then hasMore = 1 end
          for _, one in ipairs(again and found or {}) do redis.call('ZADD', P .. set, stamp + again, one) end
          return found
        end
        for i = 6, #ARGV do
          for _, isRemote in ipairs({true, false}) do want(ARGV[i], 'queued', isRemote, ARGV[3], ARGV[5]) end
        end
        for _, worker in ipairs(redis.call('ZRANGE', P .. 'workers', 0, -1)) do
          if alive(worker) then
            workers[#workers + 1] = worker
          elseif stamp - redis.call('ZSCORE', P .. 'workers', worker) > 60 then
            redis.call('ZREM', P .. 'workers', worker)
          end
        end
        for _, worker in ipairs(redis.call('HKEYS', P .. 'capacity')) do
          if not redis.call('ZSCORE', P .. 'workers', worker) then redis.call('HDEL', P .. 'capacity', worker) end
        end
        return {hasMore, redis.call('ZCARD', P .. 'queued'), workers, range('scheduled', text(now)),
          range('queued', text(now - ARGV[3])), range('wanted', text(now)), range('finished', text(now - ARGV[4])),
          range('landings', stamp, 1), range('unsent', stamp, 5), range('remote', stamp, 5), range('running', stamp, 1)}
        """#
    )
}
