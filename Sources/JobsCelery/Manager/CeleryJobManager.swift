import CeleryProtocol
import DashJSON
import Jobs
import Logging
import RedisClient
import ServiceLifecycle
import Support
import Synchronization

/// A web server's manager of jobs that run elsewhere: messages on a broker, state in Redis.
///
/// Any number of managers share the same records, and each serves the jobs of all. See `JobRecords`.
final class CeleryJobManager: JobManager {
    private struct State {
        /// Tasks of other programs whose results this manager follows.
        var followed: Set<JobID> = []
        var sweeps = SweepNotes()
    }

    private let records: JobRecords
    private let setup: JobBackendSetup
    /// The time between two sweeps.
    private let tick: Duration
    private let sweeper: RecordSweeper
    private let doorbells = JobNotifier()
    /// The connections are closed after the last call.
    private let calls = OpenCount()
    private let state = Mutex(State())
    /// The clock of the manager's own timers; the times of jobs come from Redis.
    private let clock: any JobClock
    private let follows: AsyncStream<JobID>
    private let following: AsyncStream<JobID>.Continuation
    private let stopped = AsyncLatch<Void>()

    init(_ records: JobRecords, _ setup: JobBackendSetup, tick: Duration = .seconds(1)) {
        self.records = records
        self.setup = setup
        self.tick = tick
        sweeper = RecordSweeper(records)
        clock = records.settings.clock ?? SystemJobClock()
        (follows, following) = AsyncStream.makeStream()
    }

    private var broker: any CeleryBroker { records.connections.broker }
    private var subscriber: RedisPubSub { records.connections.subscriber }

    /// Keeps the connections and sweeps, until a graceful shutdown or a cancellation. Waiters then get the current
    /// update.
    func run() async throws {
        // Detached from cancellation and shutdown: the connections stay until the last call has returned.
        let connections = Task.detached { [records] in try await Self.run(records.connections.services) }
        let ended = Task {
            let result = await connections.result
            stop()
            return result
        }
        await withTaskCancellationOrGracefulShutdownHandler {
            await work()
        } onCancelOrGracefulShutdown: {
            self.stop()
        }
        // Not in this task, which may be cancelled.
        await Task { await calls.emptied() }.value
        connections.cancel()
        if case .failure(let error) = await ended.value, !(error is CancellationError) { throw error }
    }

    private static func run(_ services: [any Service]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in services { group.addTask { try await service.run() } }
            try await group.waitForAll()
        }
    }

    private func work() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.listen() }
            group.addTask { await self.sweepRegularly() }
            group.addTask { await self.followRemoteJobs() }
            await stopped.passed()
            group.cancelAll()
        }
    }

    private func stop() {
        calls.close()
        stopped.open()
        doorbells.ringAll()
    }

    /// Wakes the waiters of a job when its channel announces an update, and all waiters when messages may have been
    /// missed.
    private func listen() async {
        while !Task.isCancelled {
            do {
                let rings = try await subscriber.messages(of: records.doorbells, isPattern: true)
                doorbells.ringAll()
                for await message in rings {
                    if let message {
                        if let id = records.job(ofDoorbell: message.channel) { doorbells.ring(id) }
                    } else {
                        doorbells.ringAll()
                    }
                }
            } catch {
                setup.logger.debug("Redis is unreachable.", metadata: ["error": "\(error)"])
                // Short backoff: the subscriber has waited already.
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}

// MARK: - Start

extension CeleryJobManager {
    func start(_ request: JobRequest) async throws -> JobID {
        // Check the request before encoding it.
        _ = try records.rules.start(request)
        return try await asking("store a job") {
            let priorities = broker.priorities
            let priority = priorities[request.priority > 0 ? 0 : min(1 - request.priority, priorities.count - 1)]
            let task = try setup.message(for: request, priority: priority, records.settings.options)
            let sends = try await records.start(request, message: task)
            if sends, !records.settings.isBroker { try await publish(task, of: request.id) }
            if request.remote != nil { follow(request.id) }
            return request.id
        }
    }

    /// Sends a message on a broker that is not the records' Redis. If that fails, withdraws the job.
    private func publish(_ task: BrokerMessage, of id: JobID) async throws {
        do {
            try await broker.publish(task)
        } catch {
            try await records.withdraw(id)
            throw error
        }
        try await records.sent(id)
    }
}

// MARK: - Calls

extension CeleryJobManager {
    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await asking("read a job") { try await records.update(of: id, after: sequence) }
    }

    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await asking("read a job") {
            // Register before reading, so that no update is missed.
            try await doorbells.withWaiter(for: id) { signal in
                while true {
                    guard let found = try await records.update(of: id, after: sequence) else { return nil }
                    let isOver = found.sequence > sequence || found.state.isFinished
                    if isOver || Task.isCancelled || calls.isClosed { return found }
                    if found.isRemote { follow(id) }
                    await signal.wait()
                }
            }
        }
    }

    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        try await asking("store a delivery") { try await records.record(delivery, for: id) }
    }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await asking("read a cached result") { try await records.cachedResult(for: key) }
    }

    func cancel(_ id: JobID, reason: String) async throws {
        try await asking("cancel a job") {
            let isRemote = try await records.cancel(id, reason: reason)
            // Whether it waits or runs.
            if isRemote { try await broker.revoke([id.text], terminate: true) }
        }
    }

    /// Statistics from Redis; empty while it is unreachable.
    func statistics() async -> JobStatistics {
        do {
            return try await asking("count jobs") { try await records.statistics() }
        } catch {
            setup.logger.debug("Jobs could not be counted.", metadata: ["error": "\(error)"])
            return JobStatistics()
        }
    }

    /// Runs a call and throws its failures as `JobsError`.
    func asking<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        guard calls.begin() else { throw JobsError(.stopped, "The job manager has stopped.") }
        defer { calls.end() }
        do {
            return try await body()
        } catch let error as JobsError {
            throw error
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw JobsError(.storage, "Redis could not \(what). \(error)", cause: error)
        }
    }
}

// MARK: - Remote

extension CeleryJobManager {
    /// Follows a task that another program's worker runs.
    private func follow(_ id: JobID) {
        let isNew = state.withLock { $0.followed.insert(id).inserted }
        if isNew { following.yield(id) }
    }

    private func followRemoteJobs() async {
        await withDiscardingTaskGroup { group in
            for await id in follows {
                group.addTask {
                    await self.followOne(id)
                    _ = self.state.withLock { $0.followed.remove(id) }
                }
            }
        }
    }

    /// Applies Celery's results of a task to its record until the job is finished.
    private func followOne(_ id: JobID) async {
        do {
            let metas = try await subscriber.messages(of: records.metaKey(of: id), isPattern: false)
            if try await look(at: [id]) { return }
            for await meta in metas {
                let isFinished =
                    if let meta { try await records.take(meta.payload, of: id, setup.codec) } else {
                        try await look(at: [id])
                    }
                if isFinished { return }
            }
        } catch {
            // The next poll or sweep retries.
            setup.logger.debug("Following a task's result failed.", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    /// Applies the present Celery results of jobs.
    ///
    /// - Returns: Whether all of the jobs are finished.
    @discardableResult
    private func look(at ids: [JobID]) async throws -> Bool {
        var finished = 0
        for case (let id, let meta?) in zip(ids, try await records.metas(of: ids)) {
            if try await records.take(meta, of: id, setup.codec) { finished += 1 }
        }
        return finished == ids.count
    }
}

// MARK: - Meta

extension JobRules.RemoteReport {
    /// Reads Celery's result of a task; nil for an invalid one, or a state without news.
    init?(meta: [UInt8], of job: String, codec: any JobCodec) {
        guard let meta = try? ResultMeta(reading: meta, taskID: "") else { return nil }
        switch meta.status {
        case .pending, .received, .retry: return nil
        case .started: self = .running([])
        case .success: self = .ended(Self.success(TypedJSON.plain(meta.result), of: job, codec))
        case .failure: self = .ended(JobEnd(.failed, failure: Self.failure(meta)))
        case .revoked: self = .ended(JobEnd(.cancelled, reason: meta.exception?.message ?? "revoked"))
        default: self = .running(codec.progress(ofMeta: TypedJSON.plain(meta.result), of: job))
        }
    }

    private static func failure(_ meta: ResultMeta) -> JobFailure {
        let exception = meta.exception ?? TaskException(type: "Exception", arguments: [], module: nil)
        let code = exception.type.split(separator: ".").last.map(String.init) ?? exception.type
        return JobFailure(
            kind: code == "WorkerLostError" ? .crash : .error,
            code: code,
            message: exception.arguments.isEmpty ? code : exception.message,
            trace: meta.traceback
        )
    }

    private static func success(_ value: RawJSON, of job: String, _ codec: any JobCodec) -> JobEnd {
        do {
            return JobEnd(.succeeded, result: .value(RawJSON(unchecked: try codec.result(ofValue: value, of: job))))
        } catch {
            return JobEnd(.failed, failure: JobFailure(kind: .error, code: "result", message: "\(error)"))
        }
    }
}

/// A manager's state between sweeps.
struct SweepNotes: Sendable {
    /// When to renew the interest of waiters next, by the jobs' monotonic clock.
    var nextAsking = Duration.zero
    /// Since when jobs wait and no worker is running.
    var withoutWorkers: ContinuousClock.Instant?
    var isWarned = false
    var isFailing = false

    /// Whether to warn now that jobs wait without a worker: once, and after a delay.
    mutating func warns(queued: Int, workers: Int, at now: ContinuousClock.Instant) -> Bool {
        guard queued > 0, workers == 0 else {
            withoutWorkers = nil
            if workers > 0 { isWarned = false }
            return false
        }
        let since = withoutWorkers ?? now
        withoutWorkers = since
        guard !isWarned, since.duration(to: now) >= .seconds(3) else { return false }
        isWarned = true
        return true
    }
}

extension CeleryJobManager {
    /// Sweeps at each tick: jobs that are due, abandoned or expired.
    func sweepRegularly() async {
        while !Task.isCancelled {
            let hasMore = await sweep()
            // A real-time tick, because any process may have set the times in Redis.
            if !hasMore { try? await Task.sleep(for: tick) }
        }
    }

    /// - Returns: Whether more work is due now.
    private func sweep() async -> Bool {
        do {
            let found = try await sweeper.sweep(asked: askers())
            for id in found.unsent { await send(id) }
            await sendLost(found.doubted)
            await leave(found.left)
            try await look(at: found.remote)
            notice(found)
            return found.hasMore
        } catch {
            let isNew = state.withLock { state in
                defer { state.sweeps.isFailing = true }
                return !state.sweeps.isFailing
            }
            if isNew { setup.logger.warning("Redis is unreachable.", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    /// The jobs with waiters, if their interest must be renewed now.
    private func askers() -> [JobID] {
        let now = clock.now().monotonic
        let isTime = state.withLock { state in
            guard state.sweeps.nextAsking <= now else { return false }
            state.sweeps.nextAsking = now + min(records.rules.limits.abandonQueuedAfter, .seconds(3600)) / 6
            return true
        }
        return isTime ? doorbells.waitedFor : []
    }

    private func send(_ id: JobID) async {
        await trying("The message of a job could not be sent. Retrying.", ["job": "\(id)"]) {
            try await records.sendMessage(of: id)
        }
    }

    /// Revokes abandoned tasks without terminating running ones.
    private func leave(_ ids: [JobID]) async {
        guard !ids.isEmpty else { return }
        await trying("Abandoned tasks could not be revoked.", ["tasks": "\(ids)"]) {
            try await broker.revoke(ids.map(\.text), terminate: false)
        }
    }

    /// Sends messages again whose queue is empty.
    private func sendLost(_ doubted: [String: [LostMessage]]) async {
        for (queue, messages) in doubted {
            // The next search retries.
            await trying("The length of a queue could not be read.", ["queue": "\(queue)"], level: .debug) {
                guard try await broker.waiting(in: queue) == 0 else { return }
                for message in messages where try await sweeper.resend(message) { await send(message.id) }
            }
        }
    }

    private func trying(
        _ failure: Logger.Message,
        _ facts: Logger.Metadata,
        level: Logger.Level = .warning,
        _ body: () async throws -> Void
    ) async {
        do {
            try await body()
        } catch {
            setup.logger.log(level: level, failure, metadata: facts.merging(["error": "\(error)"]) { $1 })
        }
    }

    private func notice(_ found: RecordSweep) {
        let (warns, isBack) = state.withLock { state in
            defer { state.sweeps.isFailing = false }
            let warns = state.sweeps.warns(queued: found.queued, workers: found.workers, at: .now)
            return (warns, state.sweeps.isFailing)
        }
        if isBack { setup.logger.info("Redis is reachable again.") }
        guard warns else { return }
        let program = CommandLine.arguments.first?.split(separator: "/").last ?? "<program>"
        setup.logger.warning(
            "Jobs wait in the queue “\(records.settings.options.queue)”, but no worker is running. Start one: \(program) worker",
            metadata: ["waiting": "\(found.queued)"]
        )
    }
}
