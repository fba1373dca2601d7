/// Since when workers are not seen, by this process' own clock.
struct Absences: Sendable {
    private let patience: Duration
    private var since: [String: ContinuousClock.Instant] = [:]

    init(patience: Duration) {
        self.patience = patience
    }

    /// Takes in whether a worker is absent now.
    ///
    /// - Returns: whether it has been all the time that it takes to be gone.
    mutating func isGone(_ worker: String, absent: Bool, now: ContinuousClock.Instant) -> Bool {
        guard absent else {
            since[worker] = nil
            return false
        }
        let start = since[worker] ?? now
        since[worker] = start
        return start.duration(to: now) >= patience
    }

    /// Nobody could be seen.
    mutating func forget() { since = [:] }
}

/// Whether the time after an outage of Redis is over in which workers come back and need a moment to say so.
struct RedisMending {
    private let client: ReconnectingRedisClient?
    private var connection: RedisConnection?
    private var end = ContinuousClock.now

    init(_ redis: any RedisClient) {
        client = redis as? ReconnectingRedisClient
    }

    /// Whether all who live have had their time to connect.
    mutating func isOver() -> Bool {
        guard let client else { return true }
        guard let present = client.present else { return false }
        if present !== connection {
            if connection != nil { end = .now + client.options.longestWait + RedisBrokerOptions().renewal }
            connection = present
        }
        return .now >= end
    }
}
