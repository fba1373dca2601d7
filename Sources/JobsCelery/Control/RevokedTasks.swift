import DashJSON
import Synchronization

/// The tasks that are not to be run: ids and stamps. Shared by remote control, which fills it, and the worker, which asks
/// when a message comes and again before a task runs.
final class RevokedTasks: Sendable {
    private struct State {
        var ids: RecentIDs
        var stamps: [String: [JSON]] = [:]
    }

    private let state: Mutex<State>
    private let clock = ContinuousClock()

    /// - Parameters:
    ///   - maximum: Of more ids the oldest are forgotten.
    ///   - lifetime: After this time an id is forgotten.
    init(maximum: Int = 50_000, lifetime: Duration = .seconds(10_800)) {
        state = Mutex(State(ids: RecentIDs(maximum: maximum, lifetime: lifetime)))
    }

    /// Adds ids, the oldest first.
    func insert(_ ids: some Sequence<String>) {
        let now = clock.now
        state.withLock { state in
            for id in ids { state.ids.insert(id, at: now) }
        }
    }

    /// Whether a task is not to be run.
    func contains(_ id: String) -> Bool {
        let now = clock.now
        return state.withLock { $0.ids.contains(id, at: now) }
    }

    /// The ids, oldest first.
    var ids: [String] {
        let now = clock.now
        return state.withLock { $0.ids.all(at: now) }
    }

    /// Adds values of stamps: a task with one of them is not to be run.
    func insert(stamp: String, values: [JSON]) {
        state.withLock { $0.stamps[stamp, default: []] += values }
    }

    /// Whether a task with such stamps (the header `stamps`) is not to be run.
    func matches(stamps: JSONObject) -> Bool {
        guard !stamps.isEmpty else { return false }
        return state.withLock { state in
            stamps.contains { stamp in
                guard let values = state.stamps[stamp.key] else { return false }
                return stamp.value.orElements.contains { values.contains($0) }
            }
        }
    }
}

extension JSON {
    /// The elements of an array; of nothing nothing; anything else by itself.
    var orElements: [JSON] {
        switch self {
        case .array(let elements): elements
        case .null: []
        default: [self]
        }
    }
}

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
