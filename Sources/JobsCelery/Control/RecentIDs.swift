/// Ids that are forgotten after a time, and the oldest of them when there are too many.
struct RecentIDs {
    let maximum: Int
    let lifetime: Duration

    private var times: [String: ContinuousClock.Instant] = [:]
    /// In the order of their insertion; one that was inserted again stands in it twice, and the first place is void.
    private var order: [(id: String, time: ContinuousClock.Instant)] = []
    private var first = 0

    init(maximum: Int, lifetime: Duration) {
        self.maximum = maximum
        self.lifetime = lifetime
    }

    mutating func insert(_ id: String, at now: ContinuousClock.Instant) {
        guard times.updateValue(now, forKey: id) != now else { return }
        order.append((id, now))
        forget(at: now)
    }

    func contains(_ id: String, at now: ContinuousClock.Instant) -> Bool {
        guard let time = times[id] else { return false }
        return now - time < lifetime
    }

    /// All, oldest first.
    mutating func all(at now: ContinuousClock.Instant) -> [String] {
        forget(at: now)
        return order[first...].filter { times[$0.id] == $0.time }.map(\.id)
    }

    /// How many places are kept, void ones among them.
    var places: Int { order.count }

    private mutating func forget(at now: ContinuousClock.Instant) {
        while first < order.count {
            let entry = order[first]
            let isPresent = times[entry.id] == entry.time
            guard !isPresent || times.count > maximum || now - entry.time >= lifetime else { break }
            if isPresent { times[entry.id] = nil }
            first += 1
        }
        // Void places are taken away when they are the most, so that an insertion costs the same on the average.
        guard order.count > 2 * times.count + 1_000 else { return }
        order = order[first...].filter { times[$0.id] == $0.time }
        first = 0
    }
}
