import DashJSON
import Jobs
import Logging
import ServiceLifecycle
import Synchronization

/// A web server's manager of jobs that run elsewhere: messages over a broker, the truth in Redis.
///
/// Any number of managers work on the same records; a job that one started any other can be asked for. See `JobRecords`.
final class CeleryJobManager: JobManager {
    /// What a manager is made of.
    struct Parts: Sendable {
        var records: JobRecords
        var broker: any CeleryBroker
        var subscriber: any RedisSubscriber
        /// What must run for the others to work: connections. Ended after the last call.
        var connections: [any Service]
        var codec: any JobCodec = PlainJobCodec()
        var jobs: [JobDefinition] = []
        /// The queue of this site's own workers.
        var queue = "dash"
        /// The queue of other programs' workers, where a task names none.
        var remoteQueue = "celery"
        /// The time between two looks at what time has brought about.
        var tick = Duration.seconds(1)
        var logger: Logger
    }

    struct State {
        /// Jobs of other programs' workers that this manager listens for.
        var followed: Set<JobID> = []
        var sweeps = SweepNotes()
    }

    let parts: Parts
    let sweeper: RecordSweeper
    let doorbells = JobNotifier()
    let calls = OpenCalls()
    let state = Mutex(State())
    /// Times the manager's own beats; a test's, or this machine's. Times of jobs are Redis'.
    let clock: any JobClock
    let follows: AsyncStream<(id: JobID, name: String)>
    let following: AsyncStream<(id: JobID, name: String)>.Continuation
    private let stopped: AsyncStream<Void>
    private let stopping: AsyncStream<Void>.Continuation

    init(_ parts: Parts) {
        self.parts = parts
        sweeper = RecordSweeper(parts.records)
        clock = parts.records.settings.clock ?? SystemJobClock()
        (follows, following) = AsyncStream.makeStream()
        (stopped, stopping) = AsyncStream.makeStream()
    }

    var records: JobRecords { parts.records }
    var limits: JobManagerConfiguration { parts.records.settings.rules.limits }

    /// Keeps connected and does what time brings about, until the service is asked to stop or the task is cancelled. Those
    /// who wait for news then are given what there is.
    func run() async throws {
        // Not part of this task's cancellation or shutdown: connections stand until the last call has returned.
        let connections = Task.detached { [parts] in try await Self.run(parts.connections) }
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
        await calls.empty()
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
            for await _ in stopped {}
            group.cancelAll()
        }
    }

    private func stop() {
        calls.close()
        stopping.finish()
        doorbells.ringAll()
    }

    /// Wakes those whose job's doorbell rings, and all when some may have been missed.
    private func listen() async {
        while !Task.isCancelled {
            do {
                let rings = try await parts.subscriber.messages(of: records.doorbells, isPattern: true)
                doorbells.ringAll()
                for await message in rings {
                    if let message {
                        if let id = records.job(ofDoorbell: message.channel) { doorbells.ring(id) }
                    } else {
                        doorbells.ringAll()
                    }
                }
            } catch {
                parts.logger.debug("Redis is not reached.", metadata: ["error": "\(error)"])
                // A back-off: the subscriber has waited already.
                try? await Task.sleep(for: .milliseconds(200))
            }
        }
    }
}

// MARK: - Start

extension CeleryJobManager {
    func start(_ request: JobRequest) async throws -> JobID {
        // Before a message is made of it.
        _ = try records.rules.start(request)
        return try await asking("take a job in") {
            let task = try message(for: request)
            let start = try await records.start(request, message: KeptMessage(task, keys: records.settings.keys))
            if start == .started, !records.settings.isBroker { try await publish(task, of: request.id) }
            if request.remote != nil { follow(request.id, name: request.name) }
            return request.id
        }
    }

    /// Sends a message over a broker that is not the records' Redis. If that fails the job is taken back.
    private func publish(_ task: BrokerMessage, of id: JobID) async throws {
        do {
            try await parts.broker.publish(task)
        } catch {
            try await records.withdraw(id)
            throw error
        }
        try await records.sent(id)
    }

    /// The message that makes a job run.
    func message(for request: JobRequest) throws -> BrokerMessage {
        if let remote = request.remote {
            var message = TaskMessage(task: remote.name, id: request.id.text, arguments: remote.arguments)
            message.ignoresResult = false
            return message.raw(queue: remote.queue ?? parts.remoteQueue)
        }
        let (arguments, extra) = try parts.codec.encode(payload: request.payload, of: request.name)
        let job = parts.jobs.first { $0.name == request.name }
        var message = TaskMessage(task: job?.taskName ?? request.name, id: request.id.text, arguments: arguments)
        message.shadow = job?.displayName
        message.custom["dash"] = try JSON(parsing: extra.bytes)
        message.priority = priority(request.priority)
        return message.raw(queue: parts.queue)
    }

    private func priority(_ priority: Int) -> Int {
        let priorities = parts.broker.priorities
        return priorities[priority > 0 ? 0 : min(1 - priority, priorities.count - 1)]
    }
}

// MARK: - Calls

extension CeleryJobManager {
    func update(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await asking("read a job") { try await records.update(of: id, after: sequence)?.news }
    }

    func nextUpdate(of id: JobID, after sequence: Int) async throws -> JobUpdate? {
        try await asking("read a job") {
            // First the bell, then the news: what happens between is not missed.
            try await doorbells.withWaiter(for: id) { waiter in
                while true {
                    guard let found = try await records.update(of: id, after: sequence) else { return nil }
                    let isOver = found.news.sequence > sequence || found.news.state.isFinished
                    if isOver || Task.isCancelled || calls.isClosed { return found.news }
                    if found.isRemote { follow(id, name: found.news.name) }
                    await waiter.rung()
                }
            }
        }
    }

    func record(_ delivery: Jobs.Delivery, for id: JobID) async throws {
        try await asking("remember an answer") { try await records.record(delivery, for: id) }
    }

    func cachedResult(for key: CacheKey) async throws -> RawJSON? {
        try await asking("look for a cached result") { try await records.cachedResult(for: key) }
    }

    func cancel(_ id: JobID, reason: String) async throws {
        try await asking("cancel a job") {
            guard try await records.cancel(id, reason: reason) else { return }
            try await revoke(id)
        }
    }

    /// What Redis says, or nothing where it is not reached.
    func statistics() async -> JobStatistics {
        do {
            return try await asking("count jobs") { try await records.statistics() }
        } catch {
            parts.logger.debug("Jobs could not be counted.", metadata: ["error": "\(error)"])
            return JobStatistics()
        }
    }

    /// Does a call, and tells of a failure in the words of job managers.
    func asking<Value>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await calls.during(body)
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
    /// Listens for a job that another program's worker does.
    func follow(_ id: JobID, name: String) {
        let isNew = state.withLock { $0.followed.insert(id).inserted }
        if isNew { following.yield((id, name)) }
    }

    func followRemoteJobs() async {
        await withDiscardingTaskGroup { group in
            for await (id, name) in follows {
                group.addTask {
                    await self.followOne(id, name: name)
                    _ = self.state.withLock { $0.followed.remove(id) }
                }
            }
        }
    }

    /// Carries what Celery's result of a task tells into the record, until the job has ended.
    private func followOne(_ id: JobID, name: String) async {
        do {
            let metas = try await parts.subscriber.messages(of: records.metaKey(of: id), isPattern: false)
            if try await look(at: id, name: name) { return }
            for await meta in metas {
                if let meta {
                    if try await take(meta.payload, of: id, name: name) { return }
                } else if try await look(at: id, name: name) {
                    return
                }
            }
        } catch {
            // Whoever waits for its news, or the sweep, looks again.
            parts.logger.debug("A task's result is not heard of.", metadata: ["job": "\(id)", "error": "\(error)"])
        }
    }

    /// Looks at what Celery's results tell of jobs now.
    func look(at ids: [JobID]) async throws {
        for (id, meta) in zip(ids, try await records.metas(of: ids)) {
            guard let meta, let job = try await records.update(of: id, after: .max) else { continue }
            _ = try await take(meta, of: id, name: job.news.name)
        }
    }

    private func look(at id: JobID, name: String) async throws -> Bool {
        guard let meta = try await records.metas(of: [id]).first ?? nil else { return false }
        return try await take(meta, of: id, name: name)
    }

    private func take(_ meta: [UInt8], of id: JobID, name: String) async throws -> Bool {
        guard let news = RemoteUpdate(meta: meta, of: name, codec: parts.codec) else {
            return false
        }
        return try await records.take(news, of: id, meta: meta)
    }

    /// Tells all workers to stop a task, whether it waits or runs.
    func revoke(_ id: JobID) async throws {
        try await parts.broker.revoke([id.text], terminate: true)
    }
}

// MARK: - Meta

extension RemoteUpdate {
    /// Reads Celery's result of a task; nil for one that tells nothing new, or is none.
    init?(meta: [UInt8], of job: String, codec: any JobCodec) {
        guard let meta = try? ResultMeta(reading: meta, taskID: "") else { return nil }
        switch meta.status {
        case .pending, .received, .retry: return nil
        case .started: self = .running([])
        case .success: self = .ended(Self.success(TypedJSON.plain(meta.result), of: job, codec))
        case .failure: self = .ended(JobEnd(.failed, failure: JobFailure(meta)))
        case .revoked: self = .ended(JobEnd(.cancelled, reason: meta.exception?.message ?? "revoked"))
        default: self = .running(codec.progress(ofMeta: TypedJSON.plain(meta.result), of: job))
        }
    }

    private static func success(_ value: RawJSON, of job: String, _ codec: any JobCodec) -> JobEnd {
        do {
            return JobEnd(.succeeded, result: .value(RawJSON(unchecked: try codec.result(ofValue: value, of: job))))
        } catch {
            return JobEnd(.failed, failure: JobFailure(kind: .error, code: "result", message: "\(error)"))
        }
    }
}

extension JobFailure {
    /// What a failed task of Celery stored.
    init(_ meta: ResultMeta) {
        let exception = meta.exception ?? TaskException(type: "Exception", arguments: [], module: nil)
        let code = exception.type.split(separator: ".").last.map(String.init) ?? exception.type
        self.init(
            kind: code == "WorkerLostError" ? .crash : .error,
            code: code,
            message: exception.arguments.isEmpty ? code : exception.message,
            trace: meta.traceback
        )
    }
}

/// What a manager remembers from one sweep to the next.
struct SweepNotes: Sendable {
    /// When those who wait are noted as asking next, by the jobs' monotonic clock.
    var nextAsking = Duration.zero
    /// Since when jobs wait and no worker is there.
    var withoutWorkers: ContinuousClock.Instant?
    var isWarned = false
    var isFailing = false

    /// Whether to warn now that jobs wait and no worker is there: once, and not for a moment without.
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
    /// Looks again and again at what time has brought about: jobs that are due, that nobody wants, that are out of time.
    func sweepRegularly() async {
        while !Task.isCancelled {
            let hasMore = await sweep()
            // A beat of real time, as the times are in Redis and any process may have put them there.
            if !hasMore { try? await Task.sleep(for: parts.tick) }
        }
    }

    /// - Returns: whether there is more to do at once.
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
            if isNew { parts.logger.warning("Redis is not reached.", metadata: ["error": "\(error)"]) }
            return false
        }
    }

    /// The jobs that somebody waits for, now and then.
    private func askers() -> [JobID] {
        let now = clock.now().monotonic
        let isTime = state.withLock { state in
            guard state.sweeps.nextAsking <= now else { return false }
            state.sweeps.nextAsking = now + min(limits.abandonQueuedAfter, .seconds(3600)) / 6
            return true
        }
        return isTime ? doorbells.waitedFor : []
    }

    private func send(_ id: JobID) async {
        do {
            try await JobSender(records: records, broker: parts.broker).send(id)
        } catch {
            parts.logger.warning(
                "The message of a job could not be sent. It is tried again.",
                metadata: ["job": "\(id)", "error": "\(error)"]
            )
        }
    }

    /// Tells all workers that nobody wants tasks any more. One that runs after all is left in peace.
    private func leave(_ ids: [JobID]) async {
        guard !ids.isEmpty else { return }
        do {
            try await parts.broker.revoke(ids.map(\.text), terminate: false)
        } catch {
            parts.logger.warning(
                "Workers were not told that nobody waits for tasks.",
                metadata: ["tasks": "\(ids)", "error": "\(error)"]
            )
        }
    }

    /// Sends messages again that are in no queue any more.
    private func sendLost(_ doubted: [String: [LostMessage]]) async {
        for (queue, messages) in doubted {
            do {
                guard try await parts.broker.waiting(in: queue) == 0 else { continue }
                for message in messages where try await sweeper.resend(message) { await send(message.id) }
            } catch {
                // Asked again a little later.
                parts.logger.debug(
                    "A queue could not be looked at.",
                    metadata: ["queue": "\(queue)", "error": "\(error)"]
                )
            }
        }
    }

    private func notice(_ found: RecordSweep) {
        let (warns, isBack) = state.withLock { state in
            defer { state.sweeps.isFailing = false }
            return (
                state.sweeps.warns(queued: found.queued, workers: found.workers, at: .now), state.sweeps.isFailing
            )
        }
        if isBack { parts.logger.info("Redis is reached again.") }
        guard warns else { return }
        let program = CommandLine.arguments.first?.split(separator: "/").last ?? "<program>"
        parts.logger.warning(
            "Jobs wait in the queue “\(parts.queue)”, and no worker is there. Start one: \(program) worker",
            metadata: ["waiting": "\(found.queued)"]
        )
    }
}
