/// What a ``JobFleet`` keeps in a place.
public struct FleetValue: Hashable, Sendable {
    /// The value itself: one line.
    public var text: String
    /// Its number in a row in which later wishes have higher numbers, 0…2⁵²; nil where nobody knows.
    public var order: Int?

    /// A value, with its order if that is known.
    public init(_ text: String, order: Int? = nil) {
        self.text = text
        self.order = order
    }
}

/// What became of a value that was to be put in a place of a ``JobFleet``.
public enum FleetPlacing: Hashable, Sendable {
    /// It is there now, where `before` was until then.
    case placed(before: String?)
    /// Something later came before it, so all is as it was.
    case late
}

/// The places and marks of a fleet of one process, in memory.
///
/// It forgets nothing by time, but what is beyond its capacity: pages that were closed stay until they make room.
package struct FleetPlaces: Sendable {
    /// More pages than any one server has at work.
    private static let groupCapacity = 100_000
    private var groups: [String: [String: FleetValue]] = [:]
    private(set) var orders = RememberedOrders()

    /// Nothing.
    package init() {}

    /// As ``JobFleet/replace(_:in:with:marks:lifetime:)`` says.
    package mutating func replace(
        _ place: String,
        in group: String,
        with value: FleetValue,
        marks: Set<String>
    ) -> FleetPlacing {
        let before = groups[group]?[place]
        if let order = value.order {
            let later = [before?.order, orders[.place, place, group]] + marks.map { orders[.mark, $0, group] }
            if later.contains(where: { $0.map { $0 > order } ?? false }) { return .late }
        }
        if groups.count >= Self.groupCapacity, let key = groups.keys.first { groups[key] = nil }
        groups[group, default: [:]][place] = value
        return .placed(before: before?.text)
    }

    /// As ``JobFleet/values(in:)`` says.
    package func values(in group: String) -> [String: FleetValue] { groups[group] ?? [:] }

    /// As ``JobFleet/remove(_:in:ifStill:)`` says.
    package mutating func remove(_ place: String, in group: String, ifStill text: String) -> Bool {
        guard let value = groups[group]?[place], value.text == text else { return false }
        if let order = value.order { orders.raise(.place, place, group, to: order) }
        groups[group]?[place] = nil
        if groups[group]?.isEmpty == true { groups[group] = nil }
        return true
    }

    /// As ``JobFleet/mark(_:in:with:)`` says.
    package mutating func mark(_ names: Set<String>, in group: String, with order: Int) {
        for name in names { orders.raise(.mark, name, group, to: order) }
    }
}

/// The highest orders of marks, and of places that are empty; the last 100,000 at least.
struct RememberedOrders: Sendable {
    enum Kind: Hashable { case place, mark }

    static let capacity = 100_000
    /// By a hash of kind, name and group, for names are as long as a page makes them. Its seed is this process's own, so
    /// nobody finds two names for one.
    private var recent: [Int: Int] = [:]
    private var older: [Int: Int] = [:]

    var count: Int { recent.count + older.count }

    subscript(_ kind: Kind, _ name: String, _ group: String) -> Int? {
        let key = Self.key(kind, name, group)
        return [recent[key], older[key]].compactMap(\.self).max()
    }

    mutating func raise(_ kind: Kind, _ name: String, _ group: String, to order: Int) {
        if recent.count >= Self.capacity { (recent, older) = ([:], recent) }
        recent[Self.key(kind, name, group)] = max(order, self[kind, name, group] ?? order)
    }

    private static func key(_ kind: Kind, _ name: String, _ group: String) -> Int {
        var hasher = Hasher()
        hasher.combine(kind)
        hasher.combine(name)
        hasher.combine(group)
        return hasher.finalize()
    }
}
