public import ServiceLifecycle

/// Small things that all web servers of one site share, so that a page may be answered by any of them.
///
/// Names are chosen by the caller. A service: `run()` must run for holders to be noted and releases to come. Whatever
/// throws throws `JobsError.storage`.
public protocol SharedState: Service {
    /// Puts a value in a place of a group, unless it comes late: after a value of the same place, or a mark, of a higher
    /// order. A value without an order is never late. One atomic step.
    ///
    /// - Parameters:
    ///   - slot: The place.
    ///   - group: The place's group.
    ///   - value: The value and its order.
    ///   - watermarks: Names of marks of the group that the value must not come after; see ``mark(_:in:with:)``.
    ///   - lifetime: A group that nobody touches for so long is forgotten.
    /// - Returns: what became of the value.
    func replace(
        _ slot: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) async throws -> SlotReplacement

    /// The values of a group by their places.
    func values(in group: String) async throws -> [String: SharedValue]

    /// Empties a place if it still holds a value. The value's order is remembered as a mark is, so that an older one which
    /// comes afterwards is late.
    ///
    /// - Returns: whether it did.
    @discardableResult
    func remove(_ slot: String, in group: String, ifStill text: String) async throws -> Bool

    /// Raises marks of a group to an order: values of a lower one which name them are late from now on. A mark is
    /// remembered for longer than any request is on its way, and so many of them only that a page can fill no memory.
    ///
    /// - Parameters:
    ///   - names: The marks; they need no other beginning.
    ///   - group: Their group.
    ///   - order: Their order; a mark that is higher stays as it is.
    func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) async throws

    /// Does something once for all servers, and keeps what it made: whoever asks later, or meanwhile, gets the same.
    ///
    /// What is made counts from when it is there; a server that dies while it makes it is followed by another.
    ///
    /// - Parameters:
    ///   - name: Names what is made.
    ///   - lifetime: How long it is kept.
    ///   - make: Makes it. What it throws is thrown to this caller alone, and the next one tries again.
    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8]

    /// Begins a pause of a name, which ends by itself.
    func startCooldown(_ name: String, for duration: Duration) async throws

    /// How long the pause of a name goes on; nil when there is none.
    func cooldown(_ name: String) async throws -> Duration?

    /// Notes somebody who holds something, a poll: of one group only `limit` may hold at once. The oldest beyond it are
    /// told to let go by ``releases()`` of their own server. Best effort.
    func hold(_ holder: String, in group: String, limit: Int)

    /// Forgets a holder.
    func release(_ holder: String, in group: String)

    /// The holders of this server that have to let go for others. Ends with the service; one listener.
    func releases() -> AsyncStream<String>
}

/// What a ``SharedState`` keeps in a place.
public struct SharedValue: Hashable, Sendable {
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

/// What became of a value that was to be put in a place of a ``SharedState``.
public enum SlotReplacement: Hashable, Sendable {
    /// It is there now, where `before` was until then.
    case placed(before: String?)
    /// Something later came before it, so all is as it was.
    case late
}

/// The places and marks of a fleet of one process, in memory.
///
/// It forgets nothing by time, but what is beyond its capacity: pages that were closed stay until they make room.
package struct SharedSlots: Sendable {
    /// More pages than any one server has at work.
    private static let groupCapacity = 100_000
    private var groups: [String: [String: SharedValue]] = [:]
    private(set) var orders = RememberedOrders()

    /// Nothing.
    package init() {}

    /// As ``SharedState/replace(_:in:with:watermarks:lifetime:)`` says.
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

    /// As ``SharedState/values(in:)`` says.
    package func values(in group: String) -> [String: SharedValue] { groups[group] ?? [:] }

    /// As ``SharedState/remove(_:in:ifStill:)`` says.
    package mutating func remove(_ slot: String, in group: String, ifStill text: String) -> Bool {
        guard let value = groups[group]?[slot], value.text == text else { return false }
        if let order = value.order { orders.raise(.slot, slot, group, to: order) }
        groups[group]?[slot] = nil
        if groups[group]?.isEmpty == true { groups[group] = nil }
        return true
    }

    /// As ``SharedState/raiseWatermarks(_:in:with:)`` says.
    package mutating func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
        for name in names { orders.raise(.mark, name, group, to: order) }
    }
}

/// The highest orders of marks, and of places that are empty; the last 100,000 at least.
struct RememberedOrders: Sendable {
    enum Kind: Hashable { case slot, mark }

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
