import DashJSON
import Jobs
import Logging
import Support
import Synchronization

/// A worker's view of the records.
final class RecordedJobs: JobRecording {
    let records: JobRecords
    private let subscriber: any RedisSubscriber
    private let codec: any JobCodec
    /// The version a job of a name has in this program; see `JobManagerConfiguration.currentVersion`.
    private let currentVersion: (@Sendable (String) -> String?)?
    /// Sends messages of jobs that are tried again, where the records are not the broker.
    private let sender: JobSender?
    private let logger: Logger
    /// The names that jobs of a task have in this program, as learned from their records: reading one first would be a round
    /// trip more for each job.
    private let names = Mutex<[String: String]>([:])
    /// The attempts under way.
    private let attempts = Mutex<[JobAttempt: AttemptNotes]>([:])

    init(
        records: JobRecords,
        subscriber: any RedisSubscriber,
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

    /// A waiting job, as far as the task's name says what it is; or what its record says.
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
        // The same tag again means that the message was taken from its holder, whether that lives or not.
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

    /// Takes in what an attempt sent. What Redis cannot take now is kept, and sent before what comes next.
    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding {
        attempts.withLock { $0[attempt]?.add(progress: progress, props: props) }
        do {
            return try await sendPending(of: attempt)
        } catch let error as CeleryError where error.code == .unreachable || error.code == .connectionLost {
            logger.warning(
                "What a job sent is kept until Redis is reached.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
            return .current
        }
    }

    /// Sends the batches that are not known to be in the record.
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

    // MARK: Ends

    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome {
        try await sendPending(of: attempt)
        guard let notes = attempts.withLock({ $0[attempt] }) else { return .refused }
        let holding = RecordCommit.Holding(tag: delivery.tag, worker: notes.worker)
        var facts: RecordFacts? = notes.facts
        while let known = facts, let transition = rules.complete(known.job, outcome) {
            var commit = RecordCommit(transition, of: known, name: attempt.fence + ".end")
            (commit.answer, commit.settling) = (.end, holding)
            // On another broker the worker gives the message back.
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

    /// Sends the message of the next attempt. What cannot be sent now is sent by a sweep.
    private func send(_ id: JobID) async {
        do {
            try await sender?.sendIfWaiting(id)
        } catch {
            logger.warning(
                "The message of a job's next attempt could not be sent. It is tried again.",
                metadata: ["job": "\(id)", "error": "\(error)"]
            )
        }
    }

    /// Sees to the followers of a job that ended. What fails here a sweep does.
    private func land(_ leader: JobID, with end: JobEnd?) async {
        do {
            for id in try await records.land(leader, with: end) { await send(id) }
        } catch {
            logger.warning(
                "Jobs that wait for another's result are seen to later.",
                metadata: ["job": "\(leader)", "error": "\(error)"]
            )
        }
    }

    /// What Celery's programs read as the task's result: of a result the value that the site's codec makes of it.
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
                "A result has no value for other programs.",
                metadata: ["job": "\(attempt.id)", "error": "\(error)"]
            )
        }
        return meta.jsonBytes()
    }

    // MARK: Cancellation

    /// Sent at once by the channel of all workers; after a mended connection those that were missed.
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

    /// Jobs of this worker that were cancelled while it did not listen.
    private func missed() async -> [JobID] {
        let ids = attempts.withLock { $0.keys.map(\.id) }
        let facts = (try? await records.facts(of: ids)) ?? []
        return facts.compactMap { $0?.job.state == .cancelling ? $0?.job.id : nil }
    }
}

/// What a worker remembers of an attempt that it runs.
private struct AttemptNotes: Sendable {
    /// Changes that are taken in together, under one name.
    struct Batch: Sendable {
        var name: String
        var progress: [PropertyValue]
        var props: [PropertyValue]
    }

    /// More at once would hold others up.
    private static let largestBatch = 500

    /// The job as its beginning left it.
    var facts: RecordFacts
    var worker: String
    private var lastNumber = 0
    /// Batches that are not known to be in the record, oldest first. They keep their names, so that one that is there already
    /// is not taken in again.
    var pending: [Batch] = []

    init(facts: RecordFacts, worker: String) {
        (self.facts, self.worker) = (facts, worker)
    }

    var next: (RecordFacts, Batch)? { pending.first.map { (facts, $0) } }

    mutating func add(progress: [PropertyValue], props: [PropertyValue]) {
        // Both in one batch where there is room: one round trip.
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
    /// A waiting job of which only this is known.
    fileprivate init(waiting id: JobID, name: String, version: String) {
        job = JobFacts(JobRequest(id: id, name: name, version: version))
    }
}

/// A worker's view of the records of Dash jobs in Redis: what it asks before, during and after an attempt.
///
/// Every call is one atomic step, may be said twice, and is refused when the attempt is not the present one any more.
protocol JobRecording: Sendable {
    /// Whether `end` settles the delivery too, as it does on a Redis broker. If not, the worker settles it after: back to
    /// its queue when the outcome was `shutDown` and another attempt is to follow, acknowledged otherwise.
    var settlesDeliveries: Bool { get }

    /// An attempt is about to begin.
    ///
    /// - Parameter isRedelivered: Whether the broker gave the message to somebody before.
    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> JobBeginning

    /// What a running attempt sent. The worker keeps the merged changes; these are the newest of each place.
    ///
    /// - Returns: whether the attempt may go on; `.cancelled` when somebody wants it to stop.
    func update(_ attempt: JobAttempt, progress: [PropertyValue], props: [PropertyValue]) async throws -> JobStanding

    /// An attempt ended. Writes the end (or the wait for the next attempt, by the job's retry policy), the cached result,
    /// Celery's meta (`meta`, for result backend readers), and on a Redis broker settles the delivery, all in one step.
    ///
    /// - Returns: what became of the job: another attempt that was begun meanwhile refuses this one's end.
    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome

    /// Those that somebody cancelled, told at once: ids of running jobs.
    func cancellations() async throws -> AsyncStream<JobID>
}

/// What a worker may do with a message of a Dash job.
enum JobBeginning: Sendable {
    /// Run it.
    case run(JobAttempt)
    /// It has ended, was cancelled, or is unknown: the message is acknowledged, and nothing runs.
    case over
    /// Another living worker runs it: the message is a duplicate.
    case elsewhere
}

/// One attempt of a job.
struct JobAttempt: Sendable, Hashable {
    var id: JobID
    /// The job's name in the program, by the record.
    var name: String
    /// 1 for the first.
    var number: Int
    /// What fences it: nobody else writes with the same.
    var fence: String
}

/// Whether an attempt may go on.
enum JobStanding: Sendable, Hashable {
    case current
    /// Somebody asked for a stop.
    case cancelled
    /// It sent more than it may; it is stopped, and its end is the failure.
    case tooLarge
    /// Another attempt took its place, or the job is over.
    case superseded
}

/// What became of a job at the end of an attempt.
enum AttemptOutcome: Sendable, Hashable {
    case finished(JobState)
    /// Another attempt is to follow.
    case again
    /// The end was refused: the attempt was not the present one.
    case refused
}
