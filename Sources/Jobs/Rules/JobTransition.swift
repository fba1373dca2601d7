package import DashJSON

/// One step in the life of a job, as data: a manager applies all changes, or none if a guard does not hold.
///
/// The embedded manager applies it in memory and writes what changed through its `JobStore`. The Redis manager sends it to
/// one script. Times are relative to the moment at which it is applied, by the store's clock.
package struct JobTransition: Sendable {
    /// The job.
    package var id: JobID
    /// What must hold. The first that does not is reported.
    package var guards: [JobGuard]
    /// What happens, in this order.
    package var changes: [JobChange]
    /// Where the job stands afterwards; nil for a job that is removed.
    package var state: JobState?

    package init(_ id: JobID, to state: JobState?, if guards: [JobGuard] = [], _ changes: [JobChange]) {
        self.id = id
        self.guards = guards
        self.changes = changes
        self.state = state
    }

    /// How the job ends, if it does.
    package var end: JobEnd? {
        for case .finish(let end) in changes { return end }
        return nil
    }
}

/// What must hold for a transition to be applied.
package enum JobGuard: Sendable, Hashable {
    /// No job with this id exists.
    case isNew
    /// Fewer jobs than this wait for a worker or for a time.
    case waitingJobs(below: Int)
    /// The inputs of all unfinished jobs and these bytes take at most so many bytes.
    case inputBytes(adding: Int, atMost: Int)
    /// The owner has fewer unfinished jobs than this.
    case unfinishedJobs(of: String, below: Int)
    /// No unfinished job makes the result of this key, or none that can still succeed.
    case isFree(CacheKey)
    /// An unfinished job makes the result of this key.
    case isTaken(CacheKey)
    /// The cache holds a result under this key.
    case isCached(CacheKey)
    /// The cache holds no result under this key.
    case isNotCached(CacheKey)
    /// The job is in one of these states.
    case state([JobState])
    /// This attempt is the present one.
    case attempt(String)
    /// The present attempt is not being stopped.
    case isNotStopped
    /// The job waits for the end of another with its cache key.
    case isFollowing
    /// The job was started with this name.
    case name(String)
    /// The job was started with this version.
    case version(String)
    /// The worker that has the job is gone: this one, by its id.
    case isGone(worker: String)
    /// The job's time has come: it is due, was not asked for, or finished long enough ago.
    case isOver(JobWait)
}

/// What a job waits for by time.
package enum JobWait: Sendable, Hashable {
    /// The time of its next attempt.
    case due
    /// That somebody asks for it, for so long.
    case interest(Duration)
    /// That its finished record is removed, after so long.
    case removal(Duration)
}

/// What a transition changes.
package enum JobChange: Sendable {
    /// Stores the job, and counts it among those of its owner and of all.
    case create
    /// Waits for a worker, behind the others of its priority or before them.
    case queue(first: Bool)
    /// Its message is sent again.
    case resend
    /// Waits for a time.
    case schedule(after: Duration)
    /// The next attempt begins, under a name of its own. What an earlier one sent no longer counts.
    case beginAttempt(fence: String)
    /// Counts an attempt that failed by the job's own fault.
    case countFailure
    /// Counts an attempt that ended because a server or a worker vanished.
    case countInterruption
    /// What the attempt sent, each value the newest of its place.
    case merge(progress: [PropertyValue], props: [PropertyValue])
    /// Asks the worker to stop the attempt.
    case requestStop(reason: String)
    /// Stops the attempt because of a failure; what it sent is dropped.
    case stopAttempt(JobFailure)
    /// Ends the job, and frees its share of what its owner and all jobs may hold.
    case finish(JobEnd)
    /// Caches the job's result.
    case cacheResult(CacheStore)
    /// The job makes the result of the key for all that follow.
    case lead(CacheKey)
    /// The job waits for the end of the one that makes the result of the key.
    case follow(CacheKey)
    /// The job waits for no other any more.
    case unfollow
    /// Frees the key, if this job holds it. Those that follow get its end if it is shared, otherwise the first of them leads:
    /// each by a transition of its own.
    case release(CacheKey)
    /// Counts a change and wakes those who wait for news.
    case notify
    /// Removes the job; one that is not finished frees its share.
    case remove
}

/// How a job ends.
package struct JobEnd: Sendable {
    /// Where a result comes from.
    package enum Result: Sendable {
        case none
        case value(RawJSON)
        /// The cache, which holds it.
        case cached(CacheKey)
        /// Another job with the same key.
        case of(JobID)
    }

    /// A finished state.
    package var state: JobState
    /// Why, where somebody decided so.
    package var reason: String?
    /// Why without a result.
    package var failure: JobFailure?
    /// The result.
    package var result: Result

    package init(_ state: JobState, reason: String? = nil, failure: JobFailure? = nil, result: Result = .none) {
        self.state = state
        self.reason = reason
        self.failure = failure
        self.result = result
    }

    /// Whether jobs with the same code and inputs end in the same way.
    package var isShared: Bool { state == .succeeded || failure?.concernsEqualJobs ?? false }
}

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
