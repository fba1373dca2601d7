/// What a consumer has and may have: a value without I/O.
struct ConsumerState: Sendable {
    /// What to ask Redis for.
    struct Request: Sendable, Hashable {
        var queues: [String]
        var limit: Int
        /// Whether the answer to an earlier fetch was lost: what it gave is asked for first.
        var reclaims: Bool
    }

    var prefetch: Int
    private(set) var queues: [String]
    /// Given out and not settled.
    private(set) var held: Set<String> = []
    /// Settlements that could not be said.
    private(set) var owed: [String: Settlement] = [:]
    /// Settlements that are being said.
    private var underway: Set<String> = []
    private(set) var isStopped = false
    private(set) var missesAnswer = false
    /// The lists were seen empty, and Redis calls when one changes; should it not, this is when to look all the same.
    private var looksAt: ContinuousClock.Instant?
    private var turn = 0

    init(queues: [String], prefetch: Int) {
        self.queues = queues
        self.prefetch = prefetch
    }

    /// All that the worker has on Redis.
    var known: Set<String> { held.union(owed.keys).union(underway) }

    /// What to fetch now; nil when there is no room or no queue. Each time another queue comes first.
    mutating func request(upTo limit: Int) -> Request? {
        let room = min(limit, prefetch - held.count)
        guard !isStopped, room > 0, !queues.isEmpty else { return nil }
        turn = (turn + 1) % queues.count
        return Request(queues: Array(queues[turn...] + queues[..<turn]), limit: room, reclaims: missesAnswer)
    }

    /// The lists are looked at, to their ends as far as it is known.
    mutating func looks(nextAt instant: ContinuousClock.Instant) { looksAt = instant }

    /// Something has changed, or there may be more: the lists are to be looked at again.
    mutating func looksAgain() { looksAt = nil }

    /// For how long there is nothing to look for; nil is to look now.
    func rest(at now: ContinuousClock.Instant) -> Duration? {
        looksAt.flatMap { $0 > now ? now.duration(to: $0) : nil }
    }

    mutating func answerWasLost() { missesAnswer = true }
    mutating func answerWasFound() { missesAnswer = false }

    /// Takes a delivery in.
    ///
    /// - Returns: false for one that is settled, which Redis did not hear yet: it came again as its lease was over meanwhile.
    mutating func received(_ tag: String) -> Bool {
        guard owed[tag] == nil, !underway.contains(tag) else { return false }
        held.insert(tag)
        return true
    }

    /// Begins to settle; false when it was settled before.
    mutating func settles(_ tag: String) -> Bool {
        guard held.remove(tag) != nil else { return false }
        underway.insert(tag)
        return true
    }

    /// It could not be settled, and is as it was.
    mutating func keeps(_ tag: String) {
        if underway.remove(tag) != nil { held.insert(tag) }
    }

    mutating func settled(_ tag: String) {
        held.remove(tag)
        underway.remove(tag)
        owed[tag] = nil
    }

    mutating func owes(_ tag: String, _ settlement: Settlement) {
        underway.remove(tag)
        owed[tag] = settlement
    }

    /// - Returns: whether it is new.
    mutating func add(_ queue: String) -> Bool {
        guard !queues.contains(queue) else { return false }
        queues.append(queue)
        looksAgain()
        return true
    }

    mutating func remove(_ queue: String) { queues.removeAll { $0 == queue } }

    mutating func stop() { isStopped = true }
}
