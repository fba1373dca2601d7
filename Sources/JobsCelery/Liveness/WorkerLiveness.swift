import CeleryProtocol
import Jobs
import Logging
import NIOCore
import NIOPosix
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// Signals a worker's liveness to other processes: its subscription lasts as long as its process, and its lease is
/// renewed as long as its event loop responds.
///
/// Runs on its own thread, with one connection to each Redis that the worker uses, so that a busy worker does not count
/// as dead, and one with a blocked loop does. See `LivenessScripts.rule`.
final class WorkerLiveness: Service {
    fileprivate let worker: WorkerIdentity
    fileprivate let terms: LivenessTerms
    fileprivate let concurrency: @Sendable () -> Int
    private let leases: [WorkerLease]
    private let logger: Logger
    private let onLapse: @Sendable (Bool) -> Void
    private let probe: LoopProbe
    private let pace: Mutex<LeasePace>

    /// - Parameters:
    ///   - leases: The worker's leases; those on one Redis share a connection. The first is checked for workers of
    ///     the same name.
    ///   - loops: The event loops that must respond before a renewal.
    ///   - concurrency: The number of jobs that the worker runs at once.
    ///   - onLapse: Called with true when the loops have not responded for longer than a lease, and with false when the
    ///     lease is renewed after that.
    package init(
        _ worker: WorkerIdentity,
        leases: [WorkerLease],
        terms: LivenessTerms,
        loops: [any EventLoop],
        concurrency: @escaping @Sendable () -> Int = { 1 },
        logger: Logger,
        onLapse: @escaping @Sendable (Bool) -> Void = { _ in }
    ) {
        self.worker = worker
        self.leases = leases
        self.terms = terms
        self.concurrency = concurrency
        self.logger = logger
        self.onLapse = onLapse
        probe = LoopProbe(loops)
        pace = Mutex(LeasePace(terms))
    }

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let (loop, connections) = (group.next(), connections(on: group))
        let renewal = TimeAmount(terms.renewal)
        // A lease expires by time, so it is renewed by time.
        let timer = loop.scheduleRepeatedTask(initialDelay: renewal, delay: renewal) { [self] _ in beat(connections) }
        let end = await Self.result {
            try await cancelWhenGracefulShutdown {
                try await withTaskExecutorPreference(LoopExecutor(home: loop)) {
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for connection in connections {
                            tasks.addTask { try await connection.keep() }
                        }
                    }
                }
            }
        }
        timer.cancel()
        try? await group.shutdownGracefully()
        try end.get()
    }

    /// One for each Redis.
    private func connections(on group: any EventLoopGroup) -> [LivenessConnection] {
        let urls = leases.map(\.redis.url)
        return Set(urls).map { url in
            LivenessConnection(self, leases.filter { $0.redis.url == url }, on: group, isFirst: url == urls[0])
        }
    }

    /// Whether a new connection starts with a renewal.
    fileprivate var mayRenew: Bool { pace.withLock { $0.isAnswered } }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func beat(_ connections: [LivenessConnection]) {
        let hasAnswered = probe.hasAnswered
        switch pace.withLock({ $0.beat(hasAnswered: hasAnswered) }) {
        case .wait: return
        case .lapse:
            logger.error(
                "The worker's event loop does not respond: its lease has expired, and its jobs run elsewhere.",
                metadata: ["lease": "\(terms.lease)"]
            )
            return onLapse(true)
        case .recover:
            logger.warning("The worker's event loop responds again; its lease is renewed.")
            onLapse(false)
        case .renew: break
        }
        for connection in connections { connection.renew() }
        probe.ask()
    }
}

/// The connection that renews a worker's leases on one Redis and subscribes to its channels; RESP3 allows both.
private final class LivenessConnection: Sendable {
    private let owner: WorkerLiveness
    private let leases: [WorkerLease]
    private let options: RedisOptions
    /// Whether to look for workers of the same name.
    private let isFirst: Bool
    private let state = Mutex(State())

    private struct State {
        var current: RedisConnection?
        var hasStood = false
    }

    init(_ owner: WorkerLiveness, _ leases: [WorkerLease], on group: any EventLoopGroup, isFirst: Bool) {
        var options = leases[0].redis
        options.name = "dash-liveness"
        options.group = group
        self.options = options
        self.owner = owner
        self.leases = leases
        self.isFirst = isFirst
    }

    /// Stays connected until the task is cancelled.
    ///
    /// - Throws: `CeleryError.refused` at the start if Redis refuses channels: jobs' scripts that publish would fail.
    func keep() async throws {
        let (refusals, refusing) = AsyncThrowingStream<Never, any Error>.makeStream()
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { for try await _ in refusals {} }
            tasks.addTask {
                await self.options.keepConnected(
                    onPush: { _ in },
                    onUp: { connection in
                        do {
                            try await self.begin(connection)
                        } catch let error as CeleryError where error.code == .refused {
                            if !self.state.withLock({ $0.hasStood }) { refusing.finish(throwing: error) }
                            throw error
                        }
                    },
                    onDown: { _ in self.state.withLock { $0.current = nil } }
                )
            }
        }
    }

    private func begin(_ connection: RedisConnection) async throws {
        for channel in Set(leases.map { $0.registry.channels + owner.worker.id }) {
            let replies: [RedisValue] = try await withCheckedThrowingContinuation { caller in
                connection.subscribe(RedisCommand("SUBSCRIBE", channel)) { caller.resume(with: $0) }
            }
            if case .error(let message) = replies[0] { throw CeleryError.refused(options.url.channelRefusal(message)) }
        }
        let hasStood = state.withLock { state in
            defer { (state.current, state.hasStood) = (connection, true) }
            return state.hasStood
        }
        guard owner.mayRenew else { return }
        take(try await connection.send(renewals.map { $0.command(whole: true) }))
        guard isFirst, !hasStood else { return }
        let registry = leases[0].registry
        await NamesakeCheck(worker: owner.worker, registry: registry, logger: options.logger).run(on: connection)
    }

    /// Renews all leases, if there is a connection.
    func renew() {
        guard let connection = state.withLock({ $0.current }) else { return }
        connection.submit(renewals.map { $0.command(whole: true) }) { [self] result in
            if case .success(let answers) = result { take(answers) }
        }
    }

    private var renewals: [RedisScriptCall] {
        let concurrency = owner.concurrency()
        let renewals = leases.map { $0.renewal(of: owner.worker, owner.terms, concurrency: concurrency) }
        return renewals + leases.compactMap(\.consumer).map(\.refresh)
    }

    private func take(_ answers: [RedisValue]) {
        for (consumer, answer) in zip(leases.compactMap(\.consumer), answers.dropFirst(leases.count)) {
            consumer.take(answer)
        }
        for case .error(let message) in answers {
            options.logger.warning("Redis did not renew the worker's lease.", metadata: ["error": "\(message)"])
        }
    }
}

/// Where the workers of a Redis register.
struct RegistryKeys: Sendable, Hashable {
    /// Prefix of worker channels; the worker's id follows.
    var channels: String
    /// Sorted set: workers by the end of their lease.
    var workers: String
}

/// A worker's lease on one Redis: where it is stored, and what is renewed along with it.
package struct WorkerLease: Sendable {
    var redis: RedisOptions
    var registry: RegistryKeys
    /// Hash: the number of jobs that each worker runs at once, if stored.
    var capacity: String?
    /// The worker's consumer, on a broker that ties deliveries to the lease.
    var consumer: RedisConsumer?
}

extension WorkerLease {
    /// The lease that the job records check.
    init(_ records: JobRecords, on redis: RedisOptions) {
        let (prefix, channels) = (records.settings.prefix, records.settings.keys.lifeLinePrefix)
        self.init(
            redis: redis,
            registry: RegistryKeys(channels: channels, workers: prefix + "workers"),
            capacity: prefix + "capacity"
        )
    }

    func renewal(of worker: WorkerIdentity, _ terms: LivenessTerms, concurrency: Int) -> RedisScriptCall {
        LivenessScripts.renew.call(
            keys: [registry.workers] + (capacity.map { [$0] } ?? []),
            arguments: [worker.id, terms.lease.inSeconds, concurrency]
        )
    }
}

/// The times that decide whether a worker counts as dead.
struct LivenessTerms: Sendable, Hashable {
    /// The validity of a renewal: a worker whose loop does not respond for this long is dead.
    var lease = Duration.seconds(6)

    /// The time between two renewals.
    var renewal: Duration { min(.seconds(1), lease / 4) }

    /// After this time without a renewal the subscription is checked. A lost connection is restored in less time.
    var silence: Duration { min(.seconds(2), lease / 2) }

    /// How long an observer must see an expired lease unchanged, by its own clock, before the worker counts as dead.
    /// Protects living workers from jumps of Redis' clock.
    let patience = Duration.seconds(2)
}

/// Decides at each beat whether to renew a lease. Pure state machine: takes the loop's responses, returns actions.
///
/// Counts beats instead of time, so that a process that was suspended does not count as one with a blocked loop.
struct LeasePace: Sendable {
    enum Step: Sendable, Hashable {
        case renew
        /// As `renew`, after the lease had expired.
        case recover
        /// The loop has not responded since the last renewal.
        case wait
        /// The loop has not responded for longer than a lease: the worker counts as dead.
        case lapse
    }

    private let beatsOfLease: Int
    private var unanswered = 0
    private var isLapsed = false

    init(_ terms: LivenessTerms) {
        // One more, so that the lease has expired by Redis' clock too.
        beatsOfLease = Int((terms.lease / terms.renewal).rounded(.up)) + 1
    }

    /// Whether the loop had responded at the last beat, so that a renewal between beats is valid.
    var isAnswered: Bool { unanswered == 0 }

    /// - Parameter hasAnswered: Whether the loop responded since the last renewal.
    mutating func beat(hasAnswered: Bool) -> Step {
        guard !hasAnswered else {
            defer { (unanswered, isLapsed) = (0, false) }
            return isLapsed ? .recover : .renew
        }
        unanswered += 1
        guard !isLapsed, unanswered >= beatsOfLease else { return .wait }
        isLapsed = true
        return .lapse
    }
}

/// Checks whether event loops are running.
final class LoopProbe: Sendable {
    private let loops: [any EventLoop]
    private let missing = Atomic(0)

    init(_ loops: [any EventLoop]) {
        self.loops = loops
    }

    /// Whether all loops responded to the last check.
    var hasAnswered: Bool { missing.load(ordering: .acquiring) == 0 }

    /// Starts a check. The previous one must have completed.
    func ask() {
        missing.store(loops.count, ordering: .releasing)
        for loop in loops {
            loop.execute { [self] in missing.subtract(1, ordering: .acquiringAndReleasing) }
        }
    }
}
