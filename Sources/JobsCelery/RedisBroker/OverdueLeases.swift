/// Which of the overdue leases are given up: those whose worker's process is gone at once, others when they have not changed
/// for a time by this process' own clock, so that a leap of Redis' clock takes nothing from a living worker.
struct OverdueLeases: Sendable {
    /// A lease that was not renewed in time.
    struct Lease: Sendable, Hashable {
        var tag: String
        /// The worker and the list, as in `RedisKeys.holders`.
        var holder: String
        var score: String
        var isWorkerGone: Bool
        /// The message, as in `RedisKeys.unacked`.
        var entry: [UInt8]

        var worker: Substring { holder.prefix { $0 != "\n" } }
    }

    private struct Sight {
        var score: String
        var since: ContinuousClock.Instant
    }

    private let patience: Duration
    private var sights: [String: Sight] = [:]

    init(patience: Duration) {
        self.patience = patience
    }

    /// Takes in all that are overdue now and returns those that are given up.
    mutating func givenUp(of leases: [Lease], now: ContinuousClock.Instant) -> [Lease] {
        var next: [String: Sight] = [:]
        var result: [Lease] = []
        for lease in leases {
            let known = sights[lease.tag].flatMap { $0.score == lease.score ? $0 : nil }
            let sight = known ?? Sight(score: lease.score, since: now)
            next[lease.tag] = sight
            if lease.isWorkerGone || sight.since.duration(to: now) >= patience { result.append(lease) }
        }
        sights = next
        return result
    }
}

extension OverdueLeases.Lease {
    /// Reads an answer of the script `overdue`.
    init?(_ answer: RedisValue) {
        guard let parts = answer.elements, parts.count == 5, let tag = parts[0].text, let holder = parts[1].text,
            let score = parts[2].text, let isGone = parts[3].integer, let entry = parts[4].bytes
        else { return nil }
        self.init(tag: tag, holder: holder, score: score, isWorkerGone: isGone == 1, entry: entry)
    }
}
