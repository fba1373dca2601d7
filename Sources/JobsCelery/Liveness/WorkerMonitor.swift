import Logging
import RedisClient

/// Decides which workers are dead. Adds to `LivenessScripts.rule` what a single read of Redis cannot show: whether
/// Redis was unreachable, so that living workers may still be reconnecting, and whether a lease that expired by Redis'
/// clock stays unrenewed by this process's clock too.
struct WorkerMonitor: Sendable {
    /// A worker that has not renewed its lease for a time.
    struct Suspect: Sendable, Hashable {
        /// The state of a lease.
        enum Lease: String, Sendable {
            case late
            case over
            /// Ends later than possible: Redis' clock was set back.
            case far
        }

        var worker: String
        /// The end of its lease as stored in Redis; empty without one.
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

    /// - Parameter waitsForLease: Whether a worker that lost its subscription counts as alive until its lease expires.
    init(_ terms: LivenessTerms, waitsForLease: Bool = false) {
        self.terms = terms
        self.waitsForLease = waitsForLease
    }

    /// Takes all suspects of one read and returns the dead ones.
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

    /// Discards earlier observations, after a time without any.
    mutating func forget() { sights = [:] }

    /// Reads workers from Redis and returns the dead ones; none while living workers may still be reconnecting.
    ///
    /// - Parameter workers: The workers to check; empty for all with a lease.
    mutating func dead(
        on redis: any RedisClient,
        _ registry: RegistryKeys,
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
    /// Reads an element of the reply to the script `suspects`.
    fileprivate init?(_ answer: RedisValue) {
        guard let parts = answer.elements, parts.count == 4, let worker = parts[0].text, let score = parts[1].text,
            let listens = parts[2].integer, let lease = parts[3].text.flatMap(Lease.init)
        else { return nil }
        self.init(worker: worker, score: score, listens: listens == 1, lease: lease)
    }
}

/// Looks for another living worker with this worker's name: Celery's tools cannot distinguish them.
struct NamesakeCheck: Sendable {
    let worker: WorkerIdentity
    let registry: RegistryKeys
    let logger: Logger

    /// Logs a warning if there is one. Of two workers that start at the same time, at least the later finds the other,
    /// because each checks after its first renewal.
    func run(on connection: RedisConnection) async {
        do {
            guard try await hasNamesake(connection) else { return }
        } catch {
            return logger.debug("The check for duplicate names failed.", metadata: ["error": "\(error)"])
        }
        logger.warning(
            """
            Another running worker is named “\(worker.node)” too, so Celery's tools cannot distinguish them. Give each its \
            own name: --hostname worker1@%h
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
        // Channels span all databases. A worker of this database has a lease in it.
        let leases = try await connection.send(others.map { RedisCommand("ZSCORE", registry.workers, $0) })
        return leases.contains { $0 != .null }
    }
}
