import Jobs
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Support
import Synchronization

/// Shows other processes that a worker lives: its subscription stands as long as its process, and its lease is renewed as
/// long as its event loop answers. A service.
///
/// It has a thread of its own, and one connection to each Redis that the worker uses: a busy process is not taken for dead, and
/// one whose loop is stuck is. See `LivenessScripts.rule`.
final class WorkerLiveness: Service {
    private let worker: WorkerIdentity
    private let leases: [WorkerLease]
    private let terms: LivenessTerms
    private let concurrency: @Sendable () -> Int
    private let logger: Logger
    private let onLapse: @Sendable (Bool) -> Void
    private let probe: LoopProbe
    private let pace: Mutex<LeasePace>

    /// - Parameters:
    ///   - leases: The worker's leases; those on one Redis share a connection. The first is checked for workers of
    ///     the same name.
    ///   - loops: What has to answer for a renewal.
    ///   - concurrency: How many jobs the worker runs at once.
    ///   - onLapse: Called with true when the loops have not answered for longer than a lease, and with false when the lease is
    ///     renewed after all.
    init(
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
        // A lease ends by time and is renewed by time.
        let renewal = TimeAmount(terms.renewal)
        let timer = loop.scheduleRepeatedTask(initialDelay: renewal, delay: renewal) { [self] _ in beat(connections) }
        let end = await Self.result {
            try await cancelWhenGracefulShutdown {
                try await withTaskExecutorPreference(LoopExecutor(home: loop)) {
                    try await withThrowingDiscardingTaskGroup { tasks in
                        for connection in connections {
                            tasks.addTask { try await connection.keep { self.pace.withLock { $0.isAnswered } } }
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
        var connections: [LivenessConnection] = []
        for (place, lease) in leases.enumerated() where !connections.contains(where: { $0.url == lease.redis.url }) {
            connections.append(
                LivenessConnection(
                    worker,
                    leases.filter { $0.redis.url == lease.redis.url },
                    on: group,
                    terms: terms,
                    concurrency: concurrency,
                    tellsNamesakes: place == 0
                )
            )
        }
        return connections
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func beat(_ connections: [LivenessConnection]) {
        let hasAnswered = probe.hasAnswered
        switch pace.withLock({ $0.beat(hasAnswered: hasAnswered) }) {
        case .wait: return
        case .lapse:
            logger.error(
                "The worker's event loop does not answer: its lease is over, and its jobs run elsewhere.",
                metadata: ["lease": "\(terms.lease)"]
            )
            return onLapse(true)
        case .recover:
            logger.warning("The worker's event loop answers again; its lease is renewed.")
            onLapse(false)
        case .renew: break
        }
        for connection in connections { connection.renew() }
        probe.ask()
    }
}

extension WorkerLiveness {
    /// Keeps a worker's lease in the job records, and one at its broker if the broker detects dead workers by leases.
    ///
    /// - Parameter redis: How the Redis of the records is reached.
    convenience init(_ worker: CeleryWorker, records: JobRecords, on redis: RedisOptions) {
        let (executor, consumer) = (worker.parts.executor, worker.consumer)
        self.init(
            worker.parts.identity,
            leases: [WorkerLease(records, on: redis)] + (consumer.lease.map { [$0] } ?? []),
            terms: LivenessTerms(lease: records.settings.lease),
            loops: [worker.loop],
            concurrency: { max(1, executor.maximumConcurrency) },
            logger: worker.parts.logger,
            onLapse: { consumer.leaseLapsed($0) }
        )
    }
}

/// The connection that a worker's leases on one Redis are renewed on, and that listens to the worker's channels: with RESP3 one
/// does both.
private final class LivenessConnection: Sendable {
    private let worker: WorkerIdentity
    private let leases: [WorkerLease]
    private let options: RedisOptions
    private let terms: LivenessTerms
    private let concurrency: @Sendable () -> Int
    private let tellsNamesakes: Bool
    private let state = Mutex(State())

    private struct State {
        var current: RedisConnection?
        var hasStood = false
    }

    init(
        _ worker: WorkerIdentity,
        _ leases: [WorkerLease],
        on group: any EventLoopGroup,
        terms: LivenessTerms,
        concurrency: @escaping @Sendable () -> Int,
        tellsNamesakes: Bool
    ) {
        var options = leases[0].redis
        options.name = "dash-liveness"
        options.group = group
        self.options = options
        self.worker = worker
        self.leases = leases
        self.terms = terms
        self.concurrency = concurrency
        self.tellsNamesakes = tellsNamesakes
    }

    var url: RedisURL { options.url }

    /// Keeps connected until the task is cancelled.
    ///
    /// - Parameter mayRenew: Whether a new connection is begun with a renewal.
    /// - Throws: `CeleryError.refused` at the start if Redis refuses channels: jobs would break half-way, where a script tells of
    ///   them.
    func keep(_ mayRenew: @escaping @Sendable () -> Bool) async throws {
        let (refusals, refusing) = AsyncThrowingStream<Never, any Error>.makeStream()
        try await withThrowingDiscardingTaskGroup { tasks in
            tasks.addTask { for try await _ in refusals {} }
            tasks.addTask {
                await self.options.keepConnected(
                    onPush: { _ in },
                    onUp: { connection in
                        do {
                            try await self.begin(connection, mayRenew)
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

    private func begin(_ connection: RedisConnection, _ mayRenew: () -> Bool) async throws {
        try await listen(on: connection)
        let isFirst = state.withLock { state in
            defer { (state.current, state.hasStood) = (connection, true) }
            return !state.hasStood
        }
        guard mayRenew() else { return }
        take(try await connection.send(renewals.map { $0.command(whole: true) }))
        guard isFirst, tellsNamesakes else { return }
        await NamesakeCheck(worker: worker, registry: leases[0].registry, logger: options.logger).run(on: connection)
    }

    private func listen(on connection: RedisConnection) async throws {
        var listener = connection
        if connection.protocolVersion < 3 {
            // Before RESP3 a connection that listens takes no commands.
            listener = try await RedisConnection.connect(options) { _ in }
            listener.whenClosed { connection.close() }
            connection.whenClosed { [listener] in listener.close() }
        }
        listener.listen()
        for channel in Set(leases.map { $0.registry.channels + worker.id }) {
            if case .error(let message) = try await listener.subscribe(to: channel) {
                throw CeleryError(.refused, options.url.channelRefusal(message))
            }
        }
    }

    /// Renews all leases, if there is a connection.
    func renew() {
        guard let connection = state.withLock({ $0.current }) else { return }
        connection.submit(renewals.map { $0.command(whole: true) }) { [self] result in
            if case .success(let answers) = result { take(answers) }
        }
    }

    private var renewals: [RedisScriptCall] {
        let renewals = leases.map { $0.renewal(of: worker, terms, concurrency: concurrency()) }
        return renewals + leases.compactMap(\.held).map(\.refresh)
    }

    private func take(_ answers: [RedisValue]) {
        for (held, answer) in zip(leases.compactMap(\.held), answers.dropFirst(leases.count)) { held.take(answer) }
        for case .error(let message) in answers {
            options.logger.warning("Redis did not renew the worker's lease.", metadata: ["error": "\(message)"])
        }
    }
}

/// Where workers show on a Redis that they live.
struct WorkerRegistry: Sendable, Hashable {
    /// What stands before a worker's id in the name of the channel that it listens to.
    var channels: String
    /// Sorted set: workers by the end of their lease.
    var workers: String
}

/// A worker's lease on one Redis: where it is kept, and what is renewed along with it.
struct WorkerLease: Sendable {
    var redis: RedisOptions
    var registry: WorkerRegistry
    /// Hash: how many jobs each worker runs at once; nil where that is not kept.
    var capacity: String?
    /// The deliveries that go with the worker, on a broker that keeps them; nil elsewhere.
    var held: HeldTags?
}

extension WorkerLease {
    /// The lease that the job records check.
    init(_ records: JobRecords, on redis: RedisOptions) {
        let (prefix, channels) = (records.settings.prefix, records.settings.keys.lifeLinePrefix)
        self.init(
            redis: redis,
            registry: WorkerRegistry(channels: channels, workers: prefix + "workers"),
            capacity: prefix + "capacity"
        )
    }

    /// What renews it.
    func renewal(of worker: WorkerIdentity, _ terms: LivenessTerms, concurrency: Int) -> RedisScriptCall {
        LivenessScripts.renew.call(
            keys: [registry.workers] + (capacity.map { [$0] } ?? []),
            arguments: [worker.id, terms.lease.inSeconds, concurrency]
        )
    }
}

/// The times by which a worker counts as living or dead.
struct LivenessTerms: Sendable, Hashable {
    /// For how long a renewal holds: a worker whose loop does not answer for this long is dead.
    var lease = Duration.seconds(6)

    /// The time between two renewals.
    var renewal: Duration { min(.seconds(1), lease / 4) }

    /// After this time without a renewal others look whether the worker's subscription still stands: a connection that was
    /// cut is made again in less.
    var silence: Duration { min(.seconds(2), lease / 2) }

    /// For how long an observer sees by its own clock that a lease is not renewed before it believes that the lease is over,
    /// so that a leap of Redis' clock takes nothing from a living worker.
    let patience = Duration.seconds(2)
}

/// Whether a lease is renewed at a beat. Pure state machine: takes the loop's answers, returns what to do.
///
/// Beats are counted, not time, so that a process that was stopped does not blame its loop.
struct LeasePace: Sendable {
    enum Step: Sendable, Hashable {
        case renew
        /// As `renew`, after the lease was over.
        case recover
        /// The loop has not answered since the last renewal.
        case wait
        /// It has not answered for longer than a lease: others take the worker for dead by now.
        case lapse
    }

    private let beatsOfLease: Int
    private var unanswered = 0
    private var isLapsed = false

    init(_ terms: LivenessTerms) {
        // One more, so that the lease is over by Redis' clock too.
        beatsOfLease = Int((terms.lease / terms.renewal).rounded(.up)) + 1
    }

    /// Whether the loop answered at the last beat, so that a renewal beside the beats is right.
    var isAnswered: Bool { unanswered == 0 }

    /// - Parameter hasAnswered: Whether the loop answered since the last renewal.
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

/// Asks event loops whether they still turn.
final class LoopProbe: Sendable {
    private let loops: [any EventLoop]
    private let missing = Atomic(0)

    init(_ loops: [any EventLoop]) {
        self.loops = loops
    }

    /// Whether all loops answered the last question.
    var hasAnswered: Bool { missing.load(ordering: .acquiring) == 0 }

    /// Asks once more. The last question has to be answered.
    func ask() {
        missing.store(loops.count, ordering: .releasing)
        for loop in loops {
            loop.execute { [self] in missing.subtract(1, ordering: .acquiringAndReleasing) }
        }
    }
}
