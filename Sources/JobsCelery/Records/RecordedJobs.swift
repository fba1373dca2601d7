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
    private let setup: JobBackendSetup
    /// See `JobManagerConfiguration.currentVersion`.
    private let currentVersion: (@Sendable (String) -> String?)?
    /// The names of jobs by task, learned from records, which saves reading the record before each start.
    private let names = Mutex<[String: String]>([:])

    init(_ records: JobRecords, _ setup: JobBackendSetup) {
        self.records = records
        self.setup = setup
        currentVersion = setup.currentVersion
    }

    var settlesDeliveries: Bool { records.settings.isBroker }

    private var rules: JobRules { records.rules }

    // MARK: Beginning

    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> RecordFacts? {
        let (fence, task) = (JobID.new.text, delivery.task.taskName ?? "")
        let begun = try await records.apply(to: id, expected: expected(id, task)) { known in
            guard let transition = transition(from: known, fence: fence, delivery) else { return nil }
            var commit = records.ending(transition, known)
            (commit.name, commit.answer) = (fence, .facts)
            commit.beginning = RecordCommit.Holding(tag: delivery.tag, worker: worker.id)
            return commit
        }
        guard let begun, begun.job.isUnderWay, begun.job.fence == fence else { return nil }
        if currentVersion?(begun.job.name) != nil { names.withLock { $0[task] = begun.job.name } }
        return begun
    }

    /// A waiting job as known from its task's name; nil to read its record.
    private func expected(_ id: JobID, _ task: String) -> RecordFacts? {
        guard let currentVersion else { return RecordFacts(waiting: JobRequest(id: id, name: "")) }
        guard let name = names.withLock({ $0[task] }), let version = currentVersion(name) else { return nil }
        return RecordFacts(waiting: JobRequest(id: id, name: name, version: version))
    }

    private func transition(from known: RecordFacts, fence: String, _ delivery: Delivery) -> JobTransition? {
        let version = JobRules.ProgramVersion(currentVersion, known.job.name)
        guard known.job.isUnderWay else { return rules.begin(known.job, fence: fence, version: version) }
        // The same tag again: the message was taken from its holder, alive or not.
        let holder = known.tag == delivery.tag ? nil : known.holder
        let isRunnable = rules.mismatch(known.job, version) == nil
        return rules.interrupt(known.job, by: .worker(holder), fence: isRunnable ? fence : nil)
    }

    // MARK: Changes

    func update(_ attempt: RecordFacts, _ changes: ChangeSet) async throws -> JobStanding {
        let job = attempt.job
        guard let transition = rules.merge(job, progress: changes.progress, props: changes.props) else {
            return .superseded
        }
        let name = "\(job.fence ?? "").\(changes.number)"
        switch try await records.commit(RecordCommit(transition, of: attempt, name: name)) {
        case .applied(let bytes, _):
            guard let stop = rules.overflow(job, bytes: bytes?.number ?? 0) else { return .current }
            return standing(after: try await records.commit(RecordCommit(stop, of: attempt)), else: .tooLarge)
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

    func complete(_ attempt: RecordFacts, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome {
        let (id, fence) = (attempt.job.id, attempt.job.fence)
        let ended = try await records.apply(to: id, expected: attempt) { known in
            guard known.job.fence == fence, let transition = rules.complete(known.job, outcome) else { return nil }
            var commit = RecordCommit(transition, of: known, name: "\(fence ?? "").end")
            commit.answer = .end
            commit.settling = RecordCommit.Holding(tag: delivery.tag, worker: attempt.holder ?? "")
            // On another broker the worker requeues the message.
            commit.sendsMessage = outcome != .shutDown || settlesDeliveries
            commit.meta = meta(of: attempt, transition.end)
            return commit
        }
        guard let state = ended?.job.state else { return .refused }
        guard !state.isFinished else { return .finished(state) }
        if outcome != .shutDown { await records.sendIfWaiting(id) }
        return .again
    }

    /// The task's result for Celery's programs; a success has the value that the site's codec makes.
    private func meta(of attempt: RecordFacts, _ end: JobEnd?) -> [UInt8]? {
        guard let end else { return nil }
        let (id, now) = (attempt.job.id, WallClock.milliseconds())
        guard case .value(let result) = end.result else {
            return ResultMeta(end, taskID: id.text, at: now)?.jsonBytes()
        }
        var meta = ResultMeta(taskID: id.text, status: .success)
        meta.dateDone = ISO8601.text(now)
        meta.result = setup.value(of: result.bytes, attempt.job)
        return meta.jsonBytes()
    }

    // MARK: Cancellation

    /// Received from the workers' channel; after a reconnect, missed ones are read from the records.
    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws {
        let subscriber = records.connections.subscriber
        for await message in try await subscriber.messages(of: records.cancellations, isPattern: false) {
            if let message {
                if let id = JobID(String(decoding: message.payload, as: UTF8.self)) { cancelled(id) }
            } else {
                let known = (try? await records.facts(of: running())) ?? []
                for facts in known { if let job = facts?.job, job.state == .cancelling { cancelled(job.id) } }
            }
        }
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
    ///
    /// - Returns: The job as it is then, with the attempt's fence and holder. Nil if nothing must run: the job is
    ///   finished, cancelled or unknown, or another living worker runs it.
    func begin(_ id: JobID, delivery: Delivery, worker: WorkerIdentity) async throws -> RecordFacts?

    /// Stores changes of a running attempt.
    ///
    /// - Returns: Whether the attempt may continue; `.cancelled` if it was asked to stop.
    func update(_ attempt: RecordFacts, _ changes: ChangeSet) async throws -> JobStanding

    /// Completes an attempt. Stores the outcome (or the wait for the next attempt, by the job's retry policy), the
    /// cached result and Celery's result, and on a Redis broker settles the delivery, all in one step.
    ///
    /// - Returns: The outcome for the job; `.refused` if another attempt began meanwhile.
    func complete(_ attempt: RecordFacts, outcome: WorkerOutcome, delivery: Delivery) async throws -> AttemptOutcome

    /// Calls `cancelled` with the ids of `running` jobs, and of others, as they are cancelled.
    func observeCancellations(
        of running: @Sendable () -> [JobID],
        _ cancelled: @Sendable (JobID) -> Void
    ) async throws
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
