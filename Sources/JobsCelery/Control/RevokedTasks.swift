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
