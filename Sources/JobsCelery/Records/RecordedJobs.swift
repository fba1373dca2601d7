import CeleryProtocol
import DashJSON
import Jobs
import Logging
import RedisClient
import Support
import Synchronization

/// A worker's access to the records in Redis.
final class RecordedJobs: JobRecording {
    private let records: JobRecords
    private let subscriber: RedisPubSub
    private let codec: any JobCodec
    /// See `JobManagerConfiguration.currentVersion`.
    private let currentVersion: (@Sendable (String) -> String?)?
    /// Sends messages of retried jobs, if the records are not the broker.
    private let sender: JobSender?
    private let logger: Logger
    /// The names of jobs by task, learned from records, which saves reading the record before each start.
    private let names = Mutex<[String: String]>([:])
    /// The running attempts.
    private let attempts = Mutex<[JobAttempt: AttemptNotes]>([:])

    init(
        records: JobRecords,
        subscriber: RedisPubSub,
        codec: any JobCodec,
        currentVersion: (@Sendable (String) -> String?)?,
        broker: any CeleryBroker,
        logger: Logger
    ) {
        self.records = records
        self.subscriber = subscriber
        self.codec = codec
        self.currentVersion = currentVersion
        sender = records.settings.isBroker ? nil : JobSender(records: records, broker: broker)
        self.logger = logger
    }

    var settlesDeliveries: Bool { records.settings.isBroker }

    private var rules: JobRules { records.rules }

    // MARK: Beginning

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> JobBeginning {
        let fence = JobID.new.text
        let task = delivery.task.taskName ?? ""
        let holding = RecordCommit.Holding(tag: delivery.tag, worker: worker.id)
        var facts = try await expected(id, task)
        while let known = facts {
            guard let transition = transition(from: known, fence: fence, delivery) else { return .over }
            var commit = records.ending(transition, known)
            (commit.name, commit.answer, commit.beginning) = (fence, .facts, holding)
            switch try await records.commit(commit) {
            case .applied(let answer, let found):
                if answer.text == "landing" { await land(id, with: transition.end) }
                if transition.state == .queued { facts = found } else { return begun(found, task, fence, worker) }
            case .repeated(let found): return begun(found, task, fence, worker)
            case .refused(.isGone?, _, _): return .elsewhere
            case .refused(_, _, let found): facts = found
            }
        }
        return .over
    }

    /// A waiting job as known from its task's name, otherwise its record.
    private func expected(_ id: JobID, _ task: String) async throws -> RecordFacts? {
        guard let currentVersion else { return RecordFacts(waiting: id, name: "", version: "") }
        guard let name = names.withLock({ $0[task] }), let version = currentVersion(name) else {
            return try await records.facts(of: [id])[0]
        }
        return RecordFacts(waiting: id, name: name, version: version)
    }

    private func transition(from known: RecordFacts, fence: String, _ delivery: Delivery) -> JobTransition? {
        let version = JobRules.ProgramVersion(currentVersion, known.job.name)
        guard known.job.isUnderWay else { return rules.begin(known.job, fence: fence, version: version) }
        // The same tag again: the message was taken from its holder, alive or not.
        let holder = known.tag == delivery.tag ? nil : known.holder
        let isRunnable = rules.mismatch(known.job, version) == nil
        return rules.interrupt(known.job, by: .worker(holder), fence: isRunnable ? fence : nil)
    }

    private func begun(
        _ found: RecordFacts?,
        _ task: String,
        _ fence: String,
        _ worker: WorkerIdentity
    ) -> JobBeginning {
        guard let found, found.job.isUnderWay, found.job.fence == fence else { return .over }
        let job = found.job
        if currentVersion?(job.name) != nil { names.withLock { $0[task] = job.name } }
        let attempt = JobAttempt(id: job.id, name: job.name, number: job.attempt, fence: fence)
        attempts.withLock { $0[attempt] = AttemptNotes(facts: found, worker: worker.id) }
        return .run(attempt)
    }

    // MARK: Changes

    /// Stores the changes of an attempt. While Redis is unreachable they are buffered, and sent before later ones.
    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        attempts.withLock { $0[attempt]?.add(progress: progress, props: props) }
        do {
            return try await sendPending(of: attempt)
        } catch let error as CeleryError where error.code == .unreachable || error.code == .connectionLost {
            logger.warning(
                "Changes of a job are buffered until Redis is reachable.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
            return .current
        }
    }

    /// Sends the batches that are not known to be stored.
    @discardableResult
    private func sendPending(of attempt: JobAttempt) async throws -> JobStanding {
        while let (facts, batch) = attempts.withLock({ $0[attempt]?.next }) {
            let standing = try await send(batch, of: facts)
            attempts.withLock { attempts in
                switch standing {
                case .current: attempts[attempt]?.pending.removeAll { $0.name == batch.name }
                case .cancelled, .tooLarge: attempts[attempt]?.pending = []
                case .superseded: attempts[attempt] = nil
                }
            }
            if standing != .current { return standing }
        }
        return attempts.withLock { $0[attempt] == nil } ? .superseded : .current
    }

    private func send(_ batch: AttemptNotes.Batch, of facts: RecordFacts) async throws -> JobStanding {
        let job = facts.job
        guard let transition = rules.merge(job, progress: batch.progress, props: batch.props) else {
            return .superseded
        }
        switch try await records.commit(RecordCommit(transition, of: facts, name: batch.name)) {
        case .applied(let bytes, _):
            guard let stop = rules.overflow(job, bytes: bytes.number ?? 0) else { return .current }
            return standing(after: try await records.commit(RecordCommit(stop, of: facts)), else: .tooLarge)
        case .repeated: return .current
        case let refused: return standing(after: refused, else: .superseded)
        }
    }

    private func standing(after result: CommitResult, else other: JobStanding) -> JobStanding {
        guard case .refused(let failed, _, let found) = result else { return other }
        switch failed {
        case .isNotStopped: return .tooLarge
        case .state where found?.job.state == .cancelling: return .cancelled
        default: return .superseded
        }
    }

    // MARK: Completion

    func complete(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome {
        try await sendPending(of: attempt)
        guard let notes = attempts.withLock({ $0[attempt] }) else { return .refused }
        let holding = RecordCommit.Holding(tag: delivery.tag, worker: notes.worker)
        var facts: RecordFacts? = notes.facts
        while let known = facts, let transition = rules.complete(known.job, outcome) {
            var commit = RecordCommit(transition, of: known, name: attempt.fence + ".end")
            (commit.answer, commit.settling) = (.end, holding)
            // On another broker the worker requeues the message.
            commit.sendsMessage = outcome != .shutDown || records.settings.isBroker
            commit.meta = meta(of: attempt, transition.end)
            switch try await records.commit(commit) {
            case .applied(let answer, _):
                if answer.text == "landing" { await land(attempt.id, with: transition.end) }
                return await ended(attempt, transition.state ?? known.job.state, outcome)
            case .repeated(let found):
                return await ended(attempt, found?.job.state ?? transition.state ?? known.job.state, outcome)
            case .refused(_, _, let found): facts = found?.job.fence == attempt.fence ? found : nil
            }
        }
        attempts.withLock { $0[attempt] = nil }
        return .refused
    }

    private func ended(_ attempt: JobAttempt, _ state: JobState, _ outcome: WorkerOutcome) async -> AttemptOutcome {
        attempts.withLock { $0[attempt] = nil }
        guard !state.isFinished else { return .finished(state) }
        if outcome != .shutDown { await send(attempt.id) }
        return .again
    }

    /// Sends the message of the next attempt. If that fails, a sweep sends it.
    private func send(_ id: JobID) async {
        do {
            try await sender?.sendIfWaiting(id)
        } catch {
            logger.warning(
                "The message of a job's next attempt could not be sent. Retrying.",
                metadata: ["job": "\(id)", "error": "\(error)"]
            )
        }
    }

    /// Completes the followers of a job. If that fails, a sweep does it.
    private func land(_ leader: JobID, with end: JobEnd?) async {
        do {
            for id in try await records.land(leader, with: end) { await send(id) }
        } catch {
            logger.warning(
                "Jobs that wait for another job's result could not be updated. Retrying.",
                metadata: ["job": "\(leader)", "error": "\(error)"]
            )
        }
    }

    /// The task's result for Celery's programs; a success has the value that the site's codec makes.
    private func meta(of attempt: JobAttempt, _ end: JobEnd?) -> [UInt8]? {
        guard let end else { return nil }
        let now = WallClock.milliseconds()
        guard case .value(let result) = end.result else {
            return ResultMeta(end, taskID: attempt.id.text, at: now)?.jsonBytes()
        }
        var meta = ResultMeta(taskID: attempt.id.text, status: .success)
        meta.dateDone = ISO8601.text(now)
        do {
            meta.result = try codec.value(ofResult: result.bytes, of: attempt.name)
        } catch {
            logger.warning(
                "A result could not be encoded for other programs.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
        }
        return meta.jsonBytes()
    }

    // MARK: Cancellation

    /// Received from the workers' channel; after a reconnect, missed ones are read from the records.
    func cancellations() async throws -> AsyncStream<JobID> {
        let messages = try await subscriber.messages(of: records.cancellations, isPattern: false)
        let (stream, feed) = AsyncStream<JobID>.makeStream()
        let listening = Task {
            for await message in messages {
                if let message {
                    if let id = JobID(String(decoding: message.payload, as: UTF8.self)) { feed.yield(id) }
                } else {
                    for id in await missed() { feed.yield(id) }
                }
            }
            feed.finish()
        }
        feed.onTermination = { _ in listening.cancel() }
        return stream
    }

    /// Jobs of this worker that were cancelled while it was not subscribed.
    private func missed() async -> [JobID] {
        let ids = attempts.withLock { $0.keys.map(\.id) }
        let facts = (try? await records.facts(of: ids)) ?? []
        return facts.compactMap { $0?.job.state == .cancelling ? $0?.job.id : nil }
    }
}

/// A worker's notes on an attempt that it runs.
private struct AttemptNotes: Sendable {
    /// Changes that are committed together, under one name.
    struct Batch: Sendable {
        var name: String
        var progress: [PropertyValue]
        var props: [PropertyValue]
    }

    /// Larger batches would block Redis for others.
    private static let largestBatch = 500

    /// The job when the attempt began.
    var facts: RecordFacts
    var worker: String
    private var lastNumber = 0
    /// Batches that are not known to be stored, oldest first. Retries keep the name, so that a batch is applied once.
    var pending: [Batch] = []

    init(facts: RecordFacts, worker: String) {
        (self.facts, self.worker) = (facts, worker)
    }

    var next: (RecordFacts, Batch)? { pending.first.map { (facts, $0) } }

    mutating func add(progress: [PropertyValue], props: [PropertyValue]) {
        // Both in one batch if they fit: one round trip.
        var rest = progress.count + props.count <= Self.largestBatch ? [(progress, props)] : []
        if rest.isEmpty {
            rest = progress.batches(of: Self.largestBatch).map { ($0, []) }
            rest += props.batches(of: Self.largestBatch).map { ([], $0) }
        }
        for (progress, props) in rest where !progress.isEmpty || !props.isEmpty {
            lastNumber += 1
            pending.append(Batch(name: "\(facts.job.fence ?? "").\(lastNumber)", progress: progress, props: props))
        }
    }
}

extension [PropertyValue] {
    fileprivate func batches(of size: Int) -> [[PropertyValue]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}

extension RecordFacts {
    /// A waiting job of which only the id, name and version are known.
    fileprivate init(waiting id: JobID, name: String, version: String) {
        job = JobFacts(JobRequest(id: id, name: name, version: version))
    }
}

/// A worker's access to the records of Dash jobs, before, during and after an attempt.
///
/// Every call is atomic and idempotent, and refused if the attempt is not the current one.
protocol JobRecording: Sendable {
    /// Whether `complete` settles the delivery too, as on a Redis broker. Otherwise the worker settles it afterwards:
    /// it requeues the message if the outcome was `shutDown` and another attempt follows, and acknowledges it in all
    /// other cases.
    var settlesDeliveries: Bool { get }

    /// Begins an attempt.
    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> JobBeginning

    /// Stores changes of a running attempt. The worker keeps the merged changes; these are the newest of each place.
    ///
    /// - Returns: Whether the attempt may continue; `.cancelled` if it was asked to stop.
    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding

    /// Completes an attempt. Stores the outcome (or the wait for the next attempt, by the job's retry policy), the
    /// cached result and Celery's result, and on a Redis broker settles the delivery, all in one step.
    ///
    /// - Returns: The outcome for the job; `.refused` if another attempt began meanwhile.
    func complete(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome

    /// The ids of running jobs as they are cancelled.
    func cancellations() async throws -> AsyncStream<JobID>
}

/// How a worker handles a message of a Dash job.
enum JobBeginning: Sendable {
    /// Run the attempt.
    case run(JobAttempt)
    /// The job is finished, cancelled or unknown: acknowledge the message and run nothing.
    case over
    /// Another living worker runs the job: the message is a duplicate.
    case elsewhere
}

/// One attempt of a job.
struct JobAttempt: Sendable, Hashable {
    var id: JobID
    /// The job's name in the program, from the record.
    var name: String
    /// 1 for the first.
    var number: Int
    /// The fencing token of its writes, unique to the attempt.
    var fence: String
}

/// Whether an attempt may continue.
enum JobStanding: Sendable, Hashable {
    case current
    /// A stop was requested.
    case cancelled
    /// The attempt exceeded the limit of changes; it is stopped and fails.
    case tooLarge
    /// Another attempt replaced this one, or the job is finished.
    case superseded
}

/// The outcome of an attempt for its job.
enum AttemptOutcome: Sendable, Hashable {
    case finished(JobState)
    /// Another attempt follows.
    case again
    /// The attempt was not the current one.
    case refused
}
