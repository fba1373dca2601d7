/// The deliveries and settlements of a consumer, and what to fetch next. No I/O.
struct ConsumerState: Sendable {
    /// The arguments of a fetch.
    struct Request: Sendable, Hashable {
        var queues: [String]
        var limit: Int
        /// Whether the reply to an earlier fetch was lost: its deliveries are reclaimed first.
        var reclaims: Bool
    }

    private var prefetch: Int
    private(set) var queues: [String]
    /// Delivered and not settled.
    private(set) var held: Set<String> = []
    /// Settlements to retry.
    private(set) var owed: [String: Settlement] = [:]
    /// Settlements in flight.
    private var underway: Set<String> = []
    /// Requeued because the lease expired, and not settled yet.
    private var lost: Set<String> = []
    private(set) var isStopped = false
    private(set) var missesAnswer = false
    /// The lists were empty and Redis reports changes; without a report, the next fetch is due at this time.
    private var looksAt: ContinuousClock.Instant?
    private var turn = 0

    init(queues: [String], prefetch: Int) {
        self.queues = queues
        self.prefetch = prefetch
    }

    mutating func setPrefetch(_ prefetch: Int) { self.prefetch = prefetch }

    /// The tags that the worker holds on Redis, as far as it knows.
    var known: Set<String> { held.union(owed.keys).union(underway) }

    /// The tags whose scores are refreshed: not those in flight, which the settlement removes.
    var refreshed: Set<String> { held.union(owed.keys).subtracting(lost) }

    /// - Returns: The number of deliveries that are newly lost.
    mutating func loses(_ tags: [String]) -> Int {
        let new = refreshed.intersection(tags)
        lost.formUnion(new)
        return new.count
    }

    /// What to fetch now, nil without room or queues. The queues take turns in coming first.
    mutating func request(upTo limit: Int) -> Request? {
        let room = min(limit, prefetch - held.count)
        guard !isStopped, room > 0, !queues.isEmpty else { return nil }
        turn = (turn + 1) % queues.count
        return Request(queues: Array(queues[turn...] + queues[..<turn]), limit: room, reclaims: missesAnswer)
    }

    /// A fetch begins. Unless it leaves messages, the next one is due at `instant`.
    mutating func looks(nextAt instant: ContinuousClock.Instant) { looksAt = instant }

    /// The lists changed, or may hold more messages.
    mutating func looksAgain() { looksAt = nil }

    /// The time until the next fetch; nil to fetch now.
    func rest(at now: ContinuousClock.Instant) -> Duration? {
        looksAt.flatMap { $0 > now ? now.duration(to: $0) : nil }
    }

    mutating func answerWasLost() { missesAnswer = true }
    mutating func answerWasFound() { missesAnswer = false }

    /// - Returns: False for a delivery with a settlement in flight: it was redelivered because the lease expired.
    mutating func received(_ tag: String) -> Bool {
        lost.remove(tag)
        guard owed[tag] == nil, !underway.contains(tag) else { return false }
        held.insert(tag)
        return true
    }

    /// Begins a settlement; false if the delivery is settled already.
    mutating func settles(_ tag: String) -> Bool {
        guard held.remove(tag) != nil else { return false }
        underway.insert(tag)
        return true
    }

    /// A settlement failed; the delivery is held again.
    mutating func keeps(_ tag: String) {
        if underway.remove(tag) != nil { held.insert(tag) }
    }

    mutating func settled(_ tag: String) {
        held.remove(tag)
        underway.remove(tag)
        lost.remove(tag)
        owed[tag] = nil
    }

    mutating func owes(_ tag: String, _ settlement: Settlement) {
        underway.remove(tag)
        owed[tag] = settlement
    }

    /// - Returns: Whether the queue is new.
    mutating func add(_ queue: String) -> Bool {
        guard !queues.contains(queue) else { return false }
        queues.append(queue)
        looksAgain()
        return true
    }

    mutating func remove(_ queue: String) { queues.removeAll { $0 == queue } }

    mutating func stop() { isStopped = true }
}
