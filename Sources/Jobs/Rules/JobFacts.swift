/// What the rules read of a stored job. A manager fills it from its store, or from the last state it saw: the transition's
/// guards detect that the job has changed since.
package struct JobFacts: Sendable, Hashable {
    /// The job.
    package var id: JobID
    /// Where it stands.
    package var state: JobState
    /// The name it was started with.
    package var name: String
    /// The version it was started with.
    package var version: String
    /// The number of the present or last attempt; 0 before the first.
    package var attempt: Int
    /// Names the present attempt; nil while none is under way.
    package var fence: String?
    /// How many attempts failed by the job's own fault.
    package var failures: Int
    /// How many attempts ended because a server or a worker vanished.
    package var interruptions: Int
    /// What follows a failed attempt.
    package var retries: RetryPolicy
    /// Where the result is cached.
    package var cache: CacheStore?
    /// Whether the job waits for the end of another with its cache key.
    package var isFollowing: Bool
    /// Whether another program's worker runs it.
    package var isRemote: Bool
    /// Why the present attempt is being stopped, where it sent more than it may.
    package var stop: JobFailure?

    /// A job that was just started.
    package init(_ request: JobRequest) {
        id = request.id
        state = .queued
        name = request.name
        version = request.version
        attempt = 0
        failures = 0
        interruptions = 0
        retries = request.retries
        cache = request.cache
        isFollowing = false
        isRemote = request.remote != nil
    }

    /// Whether an attempt is under way.
    package var isUnderWay: Bool { state == .running || state == .cancelling }

    /// Whether others with its cache key may wait for its end.
    package var mayLead: Bool { !state.isFinished && state != .cancelling }
}
