import DashJSON
import Jobs

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
    func end(_ attempt: JobAttempt, outcome: WorkerOutcome, delivery: Delivery) async throws -> JobEnding

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
enum JobEnding: Sendable, Hashable {
    case finished(JobState)
    /// Another attempt is to follow.
    case again
    /// The end was refused: the attempt was not the present one.
    case refused
}
