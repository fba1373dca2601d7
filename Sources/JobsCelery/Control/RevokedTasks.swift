import Synchronization

/// The IDs of revoked tasks. Remote control adds them; the worker checks when a message arrives and before a task runs.
final class RevokedTasks: Sendable {
    private let recent: Mutex<RecentIDs>
    private let clock = ContinuousClock()

    /// - Parameters:
    ///   - maximum: The most IDs kept; beyond that the oldest are dropped.
    ///   - lifetime: How long an ID is kept.
    init(maximum: Int = 50_000, lifetime: Duration = .seconds(10_800)) {
        recent = Mutex(RecentIDs(maximum: maximum, lifetime: lifetime))
    }

    /// Adds IDs, the oldest first.
    func insert(_ ids: some Sequence<String>) {
        let now = clock.now
        recent.withLock { recent in
            for id in ids { recent.insert(id, at: now) }
        }
    }

    /// Whether a task is revoked.
    func contains(_ id: String) -> Bool {
        let now = clock.now
        return recent.withLock { $0.contains(id, at: now) }
    }

    /// The IDs, oldest first.
    var ids: [String] {
        let now = clock.now
        return recent.withLock { $0.all(at: now) }
    }
}

/// A set of IDs with a limited lifetime and number; the oldest are dropped first.
struct RecentIDs {
    let maximum: Int
    let lifetime: Duration

    private var times: [String: ContinuousClock.Instant] = [:]
    /// In insertion order. A repeated ID has several entries, of which only the last is valid.
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

    private mutating func forget(at now: ContinuousClock.Instant) {
        while first < order.count {
            let entry = order[first]
            let isPresent = times[entry.id] == entry.time
            guard !isPresent || times.count > maximum || now - entry.time >= lifetime else { break }
            if isPresent { times[entry.id] = nil }
            first += 1
        }
        // Compact when most entries are invalid, so that insertion has constant amortized cost.
        guard order.count > 2 * times.count + 1_000 else { return }
        order = order[first...].filter { times[$0.id] == $0.time }
        first = 0
    }
}
