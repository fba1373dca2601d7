/// The Lua of the liveness rule, which is the only answer to "is that worker dead?": the scripts of the broker and those of
/// jobs begin with it.
///
/// A worker listens to a channel of its own, and renews its lease: its entry in a sorted set, with the end of the lease in
/// seconds by Redis' clock.
enum LivenessScripts {
    /// Functions for scripts: `dash_is_alive(workers, channels, worker)` takes the sorted set, what stands before a worker's id
    /// in the name of its channel, and the id. `dash_signs_of_life` gives both signs: whether the worker listens, and how
    /// many seconds are left of its lease (nil without one).
    static let rule = """
        local function dash_signs_of_life(workers, channels, worker)
          local listens = redis.call('PUBSUB', 'NUMSUB', channels .. worker)[2] > 0
          local lease = redis.call('ZSCORE', workers, worker)
          if not lease then return listens, nil end
          local time = redis.call('TIME')
          return listens, lease - time[1] - time[2] / 1000000
        end

        -- A worker lives while its subscription stands and its lease is not over.
        local function dash_is_alive(workers, channels, worker)
          local listens, rest = dash_signs_of_life(workers, channels, worker)
          return listens and rest ~= nil and rest > 0
        end

        """

    /// The time by Redis' clock in seconds, for scripts: `now`, and `stamp(seconds)`, which writes a time without loss.
    static let clock = """
        local time = redis.call('TIME')
        local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
        local function stamp(seconds) return string.format('%.6f', seconds) end

        """

    /// Renews a worker's lease: KEYS the workers, and the hash of how many jobs each runs at once if that is kept; ARGV the
    /// worker, the seconds of a lease, how many jobs it runs at once.
    static let renew = RedisScript(
        "renew a worker's lease",
        clock + """
            -- Takes nothing away. A script that has written may go on writing when Redis' memory is full.
            redis.call('ZREM', KEYS[1], '')
            redis.call('ZADD', KEYS[1], stamp(now + ARGV[2]), ARGV[1])
            if KEYS[2] then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
            return 1
            """
    )

    /// Workers that have not renewed their lease for a time: KEYS the workers; ARGV what stands before a worker's channel, the
    /// seconds of a lease, the seconds of silence, then the workers to look at; without any all that have a lease are looked
    /// at. Gives worker, end of its lease, whether it listens, and its lease: "over", "late" when it is not over yet, and
    /// "far" when it ends later than it can, as Redis' clock was set back.
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
