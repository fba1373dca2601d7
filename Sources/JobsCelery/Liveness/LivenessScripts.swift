import RedisClient

/// The Lua of the liveness rule: the only definition of a dead worker, used by the scripts of the broker and of the
/// records.
///
/// A worker subscribes to its own channel and renews its lease: its entry in a sorted set, scored by the end of the
/// lease in seconds by Redis' clock.
enum LivenessScripts {
    /// Functions for scripts: `dash_is_alive(workers, channels, worker)` takes the sorted set, the prefix of worker
    /// channels, and the worker's id. `dash_signs_of_life` returns whether the worker is subscribed, and the remaining
    /// seconds of its lease (nil without one).
    static let rule = """
        local function dash_signs_of_life(workers, channels, worker)
          local listens = redis.call('PUBSUB', 'NUMSUB', channels .. worker)[2] > 0
          local lease = redis.call('ZSCORE', workers, worker)
          if not lease then return listens, nil end
          local time = redis.call('TIME')
          return listens, lease - time[1] - time[2] / 1000000
        end

        -- A worker is alive while it is subscribed and its lease has not expired.
        local function dash_is_alive(workers, channels, worker)
          local listens, rest = dash_signs_of_life(workers, channels, worker)
          return listens and rest ~= nil and rest > 0
        end

        """

    /// The time by Redis' clock in seconds, for scripts: `now`, and `stamp(seconds)`, which formats it without loss.
    static let clock = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
        local function stamp(seconds) return string.format('%.6f', seconds) end

        """

    /// Renews a worker's lease: KEYS workers, and optionally the hash of their concurrency; ARGV worker, seconds of a
    /// lease, concurrency.
    static let renew = RedisScript(
        "renew a worker's lease",
        clock + """
            -- No effect: once a script has written, Redis lets it continue when memory is full.
            redis.call('ZREM', KEYS[1], '')
            redis.call('ZADD', KEYS[1], stamp(now + ARGV[2]), ARGV[1])
            if KEYS[2] then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
            return 1
            """
    )

    /// Returns workers that are late to renew their lease: KEYS workers; ARGV prefix of worker channels, seconds of a
    /// lease, seconds of silence, then the workers to check (all with a lease, if none is given). For each: worker, end
    /// of its lease, whether it is subscribed, and the state of its lease: "over", "late" if not yet over, "far" if it
    /// ends later than possible because Redis' clock was set back.
    static let suspects = RedisScript(
        "suspects",
        clock + rule + """
            local lease, silence, found = tonumber(ARGV[2]), tonumber(ARGV[3]), {}

            local function standing(rest)
              if not rest or rest <= 0 then return 'over' end
              if rest > lease + 1 then return 'far' end
              return rest <= lease - silence and 'late'
            end

            local function look(worker)
              local listens, rest = dash_signs_of_life(KEYS[1], ARGV[1], worker)
              local standing = standing(rest)
              if standing then
                local score = redis.call('ZSCORE', KEYS[1], worker) or ''
                found[#found + 1] = {worker, score, listens and 1 or 0, standing}
              end
            end

            local function range(lowest, highest)
              for _, worker in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], lowest, highest, 'LIMIT', 0, 1000)) do
                look(worker)
              end
            end

            if #ARGV > 3 then
              for place = 4, #ARGV do look(ARGV[place]) end
            else
              range('-inf', stamp(now + lease - silence))
              range('(' .. stamp(now + lease + 1), '+inf')
            end
            return found
            """
    )
}
