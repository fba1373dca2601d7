public import ServiceLifecycle

/// State that all web servers of a site share, so that any of them can serve a page.
///
/// Callers choose the names. `run()` must run for ``hold(_:in:limit:)`` and ``releases()`` to work. Storage errors are
/// thrown as `JobsError.storage`.
public protocol SharedState: Service {
    /// Stores a value in a slot, unless it is late: the slot holds or held a value with a higher order, or one of the
    /// watermarks is higher. A value without an order is never late. Atomic.
    ///
    /// - Parameters:
    ///   - slot: The slot.
    ///   - group: The slot's group.
    ///   - value: The value and its order.
    ///   - watermarks: Watermarks of the group to compare with; see ``raiseWatermarks(_:in:with:)``.
    ///   - lifetime: The time without access after which the group expires.
    /// - Returns: Whether the value was stored.
    func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) async throws -> SlotReplacement

    /// The values of a group by slot.
    func values(in group: String) async throws -> [String: SharedValue]

    /// Empties a slot if it still holds the given text. The order of the removed value is kept like a watermark, so
    /// that an older value is still late.
    ///
    /// - Returns: Whether the slot was emptied.
    @discardableResult
    func remove(_ slot: String, in group: String, ifStill text: String) async throws -> Bool

    /// Raises watermarks of a group: from now on, values with a lower order that name one of them are late. Watermarks
    /// outlive any request in flight; their number is bounded.
    ///
    /// - Parameters:
    ///   - names: The watermarks; new ones are created.
    ///   - group: Their group.
    ///   - order: Their new order; a higher watermark keeps its order.
    func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) async throws

    /// Computes a value once for all servers; later and concurrent callers get the same value.
    ///
    /// If a server dies while it computes the value, another one takes over.
    ///
    /// - Parameters:
    ///   - name: The name of the value.
    ///   - lifetime: How long the value is kept, from when it is stored.
    ///   - make: Computes the value. Its error is thrown to this caller only; the next caller tries again.
    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8]

    /// Starts a cooldown that ends after a duration.
    func startCooldown(_ name: String, for duration: Duration) async throws

    /// The remaining time of a cooldown; nil if there is none.
    func cooldown(_ name: String) async throws -> Duration?

    /// Registers a holder, such as a poll. If a group has more than `limit` holders, the oldest are reported by
    /// ``releases()`` on their own server. Best effort.
    func hold(_ holder: String, in group: String, limit: Int)

    /// Removes a holder.
    func release(_ holder: String, in group: String)

    /// The holders of this server that must be released for newer ones. Finishes with the service; supports one
    /// consumer.
    func releases() -> AsyncStream<String>
}

/// A value in a slot of a ``SharedState``.
public struct SharedValue: Hashable, Sendable {
    /// The value: one line of text.
    public var text: String
    /// The value's order, 0…2⁵²; later requests have higher orders. nil if unknown.
    public var order: Int?

    /// Creates a value.
    public init(_ text: String, order: Int? = nil) {
        self.text = text
        self.order = order
    }
}

/// The result of ``SharedState/replace(_:in:with:watermarks:lifetime:)``.
public enum SlotReplacement: Hashable, Sendable {
    /// The value was stored; `before` is the previous text.
    case placed(before: String?)
    /// A later value or watermark exists; nothing was changed.
    case late
}

/// The slots and watermarks of a single process, in memory.
///
/// Nothing expires; beyond the capacity, other groups are evicted.
package struct SharedSlots: Sendable {
    /// More pages than one server has open.
    private static let groupCapacity = 100_000
    private var groups: [String: [String: SharedValue]] = [:]
    private(set) var orders = RememberedOrders()

    package init() {}

    package mutating func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>
    ) -> SlotReplacement {
        let before = groups[group]?[slot]
        if let order = value.order {
            let later = [before?.order, orders[.slot, slot, group]] + watermarks.map { orders[.mark, $0, group] }
            if later.contains(where: { $0.map { $0 > order } ?? false }) { return .late }
        }
        if groups.count >= Self.groupCapacity, let key = groups.keys.first { groups[key] = nil }
        groups[group, default: [:]][slot] = value
        return .placed(before: before?.text)
    }

    package func values(in group: String) -> [String: SharedValue] { groups[group] ?? [:] }

    package mutating func remove(_ slot: String, in group: String, ifStill text: String) -> Bool {
        guard let value = groups[group]?[slot], value.text == text else { return false }
        if let order = value.order { orders.raise(.slot, slot, group, to: order) }
        groups[group]?[slot] = nil
        if groups[group]?.isEmpty == true { groups[group] = nil }
        return true
    }

    package mutating func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
        for name in names { orders.raise(.mark, name, group, to: order) }
    }
}

/// The highest orders of watermarks and emptied slots; at least the last 100,000.
struct RememberedOrders: Sendable {
    enum Kind: Hashable { case slot, mark }

    static let capacity = 100_000
    /// Keyed by a hash of kind, name and group, as pages choose the length of names. The hash is seeded per process, so
    /// collisions cannot be forced.
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
