import NIOCore
import Synchronization

/// The IDs of revoked tasks. Remote control adds them; the worker checks when a message arrives and before a task runs.
final class RevokedTasks: Sendable {
    /// As in Celery: at most 50,000, each for three hours.
    private let recent = Mutex(RecentIDs(maximum: 50_000, lifetime: .seconds(10_800)))

    /// Adds IDs, the oldest first.
    func insert(_ ids: some Sequence<String>) {
        recent.withLock { recent in
            for id in ids { recent.insert(id, at: .now) }
        }
    }

    /// Whether a task is revoked.
    func contains(_ id: String) -> Bool { recent.withLock { $0.contains(id, at: .now) } }

    /// The IDs, oldest first.
    var ids: [String] { recent.withLock { $0.all(at: .now) } }
}

/// A set of IDs with a limited lifetime and number; the oldest are dropped first.
struct RecentIDs {
    let maximum: Int
    let lifetime: Duration

    private var times: [String: ContinuousClock.Instant] = [:]
    /// In insertion order. A repeated ID has several entries, of which only the last is valid.
    private var order = CircularBuffer<(id: String, time: ContinuousClock.Instant)>()

    init(maximum: Int, lifetime: Duration) {
        self.maximum = maximum
        self.lifetime = lifetime
    }

    mutating func insert(_ id: String, at now: ContinuousClock.Instant) {
        guard times.updateValue(now, forKey: id) != now else { return }
        order.append((id, now))
        forget(at: now)
        // Compact when most entries are invalid, so that insertion has constant amortized cost.
        guard order.count > 2 * times.count + 1_000 else { return }
        order = order.filter { times[$0.id] == $0.time }
    }

    func contains(_ id: String, at now: ContinuousClock.Instant) -> Bool {
        times[id].map { now - $0 < lifetime } ?? false
    }

    /// All, oldest first.
    mutating func all(at now: ContinuousClock.Instant) -> [String] {
        forget(at: now)
        return order.filter { times[$0.id] == $0.time }.map(\.id)
    }

    private mutating func forget(at now: ContinuousClock.Instant) {
        while let (id, time) = order.first {
            let isPresent = times[id] == time
            guard !isPresent || times.count > maximum || now - time >= lifetime else { return }
            if isPresent { times[id] = nil }
            order.removeFirst()
        }
    }
}
