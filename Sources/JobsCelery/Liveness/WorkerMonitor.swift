import Logging

/// Decides which workers are dead. The rule is `LivenessScripts.rule`; this adds what one look at Redis cannot know: whether
/// Redis was away, so that living workers still have to connect again, and whether a lease that is over by Redis' clock is
/// not renewed by the clock of this process either.
struct WorkerMonitor: Sendable {
    /// A worker that has not renewed its lease for a time.
    struct Suspect: Sendable, Hashable {
        /// How its lease stands.
        enum Lease: String, Sendable {
            case late
            case over
            /// It ends later than it can: Redis' clock was set back.
            case far
        }

        var worker: String
        /// The end of its lease, as Redis has it; empty without one.
        var score: String
        var listens: Bool
        var lease: Lease
    }

    private struct Sight {
        var score: String
        var since: ContinuousClock.Instant
    }

    private let terms: LivenessTerms
    private let waitsForLease: Bool
    private var sights: [String: Sight] = [:]

    /// - Parameter waitsForLease: Whether a worker whose subscription is gone keeps what it has until its lease is over, and does
    ///   not lose it at once.
    init(_ terms: LivenessTerms, waitsForLease: Bool = false) {
        self.terms = terms
        self.waitsForLease = waitsForLease
    }

    /// Takes in all suspects of a look and returns those that are dead.
    mutating func dead(among suspects: [Suspect], now: ContinuousClock.Instant) -> [Suspect] {
        var next: [String: Sight] = [:]
        var dead: [Suspect] = []
        for suspect in suspects {
            let known = sights[suspect.worker].flatMap { $0.score == suspect.score ? $0 : nil }
            let sight = known ?? Sight(score: suspect.score, since: now)
            next[suspect.worker] = sight
            if isDead(suspect, seenFor: sight.since.duration(to: now)) { dead.append(suspect) }
        }
        sights = next
        return dead
    }

    private func isDead(_ suspect: Suspect, seenFor time: Duration) -> Bool {
        if !suspect.listens, !waitsForLease { return true }
        switch suspect.lease {
        case .late: return false
        case .over: return time >= terms.patience
        case .far: return time >= terms.lease
        }
    }

    /// What was seen so far counts no more: nothing could be seen.
    mutating func forget() { sights = [:] }

    /// Looks at workers and returns those that are dead; none while those that live may still have to connect again.
    ///
    /// - Parameter workers: Whom to look at; empty are all that have a lease.
    mutating func dead(
        on redis: any RedisClient,
        _ registry: WorkerRegistry,
        among workers: [String] = []
    ) async throws -> [Suspect] {
        guard let deadline = redis.reconnectDeadline, deadline + terms.renewal <= .now else {
            forget()
            return []
        }
        let arguments: [any RedisArgument] = [registry.channels, terms.lease.inSeconds, terms.silence.inSeconds]
        let answer = try await redis.run(
            LivenessScripts.suspects,
            keys: [registry.workers],
            arguments: arguments + workers
        )
        return dead(among: (answer.elements ?? []).compactMap(Suspect.init), now: .now)
    }
}

extension WorkerMonitor.Suspect {
    /// Reads an answer of the script `suspects`.
    fileprivate init?(_ answer: RedisValue) {
        guard let parts = answer.elements, parts.count == 4, let worker = parts[0].text, let score = parts[1].text,
            let listens = parts[2].integer, let lease = parts[3].text.flatMap(Lease.init)
        else { return nil }
        self.init(worker: worker, score: score, listens: listens == 1, lease: lease)
    }
}

/// Looks for another living worker that has the name of this one: both answer to it, and Celery's tools take them for one.
struct NamesakeCheck: Sendable {
    let worker: WorkerIdentity
    let registry: WorkerRegistry
    let logger: Logger

    /// Warns of one. Of two workers that start at once the later sees the earlier, as each looks after its own first renewal.
    func run(on connection: RedisConnection) async {
        do {
            guard try await hasNamesake(connection) else { return }
        } catch {
            return logger.debug("Whether the worker's name is its own is not known.", metadata: ["error": "\(error)"])
        }
        logger.warning(
            """
            Another worker that runs has the name “\(worker.node)” too, so that Celery's tools take both for one. Give each \
            its own: --hostname worker1@%h
            """
        )
    }

    private func hasNamesake(_ connection: RedisConnection) async throws -> Bool {
        let name = (registry.channels + worker.node).map { "*?[]\\".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        let channels = try await connection.send([RedisCommand("PUBSUB", "CHANNELS", name + ".*")])
        let found = (channels.first?.elements ?? []).compactMap(\.text)
        let ids = found.map { String($0.dropFirst(registry.channels.count)) }
        // An id is the name, a dot, and a unique part without a dot.
        let others = ids.filter { $0 != worker.id && !$0.dropFirst(worker.node.count + 1).contains(".") }
        // Channels are those of all databases: who works on this one has a lease there.
        let leases = try await connection.send(others.map { RedisCommand("ZSCORE", registry.workers, $0) })
        return leases.contains { $0 != .null }
    }
}
