package import DashJSON

/// One step in the life cycle of a job, as data: a manager applies all changes, or none if a guard fails.
///
/// The embedded manager applies it in memory and writes the changes through its `JobStore`; the Redis manager sends it
/// to one script. Times are relative to the moment of application, by the store's clock.
package struct JobTransition: Sendable {
    package var id: JobID
    /// The conditions; the first that fails is reported.
    package var guards: [JobGuard]
    package var changes: [JobChange]
    /// The resulting state; nil for a removed job.
    package var state: JobState?

    package init(_ id: JobID, to state: JobState?, if guards: [JobGuard] = [], _ changes: [JobChange]) {
        self.id = id
        self.guards = guards
        self.changes = changes
        self.state = state
    }

    /// The outcome of the job, if the transition finishes it.
    package var end: JobEnd? {
        for case .finish(let end) in changes { return end }
        return nil
    }
}

package enum JobGuard: Sendable, Hashable {
    /// No job with this id exists.
    case isNew
    /// Fewer jobs than this wait for a worker or a due time.
    case waitingJobs(below: Int)
    /// The inputs of all unfinished jobs plus these bytes do not exceed the limit.
    case inputBytes(adding: Int, atMost: Int)
    /// The owner has fewer unfinished jobs than this.
    case unfinishedJobs(of: String, below: Int)
    /// No unfinished job that can still succeed computes the result of this key.
    case isFree(CacheKey)
    /// An unfinished job computes the result of this key.
    case isTaken(CacheKey)
    /// The cache holds a result under this key.
    case isCached(CacheKey)
    /// The cache holds no result under this key.
    case isNotCached(CacheKey)
    /// The job is in one of these states.
    case state([JobState])
    /// This attempt is the current one.
    case attempt(String)
    /// The current attempt is not being stopped.
    case isNotStopped
    /// The job waits for another job with its cache key.
    case isFollowing
    /// The job was started with this name.
    case name(String)
    /// The job was started with this version.
    case version(String)
    /// The worker with this id, which holds the job, has ended.
    case isGone(worker: String)
    /// The wait is over: the job is due, was not polled, or finished long enough ago.
    case isOver(JobWait)
}

/// A timed wait of a job.
package enum JobWait: Sendable, Hashable {
    /// Until its next attempt.
    case due
    /// For a poll, for this time.
    case interest(Duration)
    /// For the removal of its finished record, for this time.
    case removal(Duration)
}

package enum JobChange: Sendable {
    /// Stores the job and counts it for its owner and in total.
    case create
    /// Queues the job, after or before the others of its priority.
    case queue(first: Bool)
    /// Sends the job's message again.
    case resend
    case schedule(after: Duration)
    /// Begins an attempt with its own fence. What earlier attempts sent is discarded.
    case beginAttempt(fence: String)
    /// Counts a failed attempt.
    case countFailure
    /// Counts an attempt that was interrupted by the loss of a server or worker.
    case countInterruption
    /// Merges what the attempt sent: newer values replace older ones.
    case merge(progress: [PropertyValue], props: [PropertyValue])
    /// Asks the worker to stop the attempt.
    case requestStop(reason: String)
    /// Stops the attempt with a failure; its changes are dropped.
    case stopAttempt(JobFailure)
    /// Finishes the job and releases its share of the limits.
    case finish(JobEnd)
    /// Caches the job's result.
    case cacheResult(CacheStore)
    /// The job computes the result of the key for its followers.
    case lead(CacheKey)
    /// The job waits for the one that computes the result of the key.
    case follow(CacheKey)
    /// The job no longer waits for another one.
    case unfollow
    /// Releases the key if this job holds it. Its followers share the outcome, or the first of them leads; each by its
    /// own transition.
    case release(CacheKey)
    /// Counts a change and wakes the waiters.
    case notify
    /// Removes the job; an unfinished one releases its share of the limits.
    case remove
}

package struct JobEnd: Sendable {
    package enum Result: Sendable {
        case none
        case value(RawJSON)
        case cached(CacheKey)
        /// Another job with the same key.
        case of(JobID)
    }

    package var state: JobState
    /// Who or what ended the job.
    package var reason: String?
    /// The failure of a job without a result.
    package var failure: JobFailure?
    package var result: Result

    package init(_ state: JobState, reason: String? = nil, failure: JobFailure? = nil, result: Result = .none) {
        self.state = state
        self.reason = reason
        self.failure = failure
        self.result = result
    }

    /// Whether jobs with the same code and inputs share this outcome.
    package var isShared: Bool { state == .succeeded || failure?.concernsEqualJobs ?? false }
}

/// The facts about a stored job that the rules read, from the store or the last known state. The guards of the
/// transition detect that the job has changed since.
package struct JobFacts: Sendable, Hashable {
    package var id: JobID
    package var state = JobState.queued
    package var name: String
    package var version: String
    /// The number of the current or last attempt; 0 before the first.
    package var attempt = 0
    /// Identifies the current attempt; nil if there is none.
    package var fence: String?
    /// The number of failed attempts.
    package var failures = 0
    /// The number of attempts interrupted by the loss of a server or worker.
    package var interruptions = 0
    package var retries: RetryPolicy
    package var cache: CacheStore?
    /// Whether the job waits for another job with its cache key.
    package var isFollowing = false
    /// Whether another program's worker runs it.
    package var isRemote: Bool
    /// Why the current attempt is being stopped: it sent too much.
    package var stop: JobFailure?

    /// The facts of a new job.
    package init(_ request: JobRequest) {
        id = request.id
        name = request.name
        version = request.version
        retries = request.retries
        cache = request.cache
        isRemote = request.remote != nil
    }

    /// Whether an attempt is running.
    package var isUnderWay: Bool { state == .running || state == .cancelling }

    /// Whether other jobs with its cache key may follow it.
    package var mayLead: Bool { !state.isFinished && state != .cancelling }
}
