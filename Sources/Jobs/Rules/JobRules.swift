import DashJSON

/// The rules of a job's life cycle: events, states and guards.
///
/// A pure value. Each function takes the facts of a stored job and returns a transition as data, or nil if the event
/// changes nothing. When a guard fails, the manager reads the job and evaluates the event again. The messages are in
/// `JobSentences`.
package struct JobRules: Sendable {
    package let limits: JobManagerConfiguration

    package init(_ limits: JobManagerConfiguration) {
        self.limits = limits
    }

    /// The known state of a job's cache key when the job starts.
    package enum KeyUse: Sendable, Hashable {
        /// Unknown: determined by the transition's guards.
        case unknown
        /// Another unfinished job computes the result.
        case taken
        /// The cache holds the result.
        case cached
    }

    // MARK: Start

    /// A job is started.
    ///
    /// - Throws: `JobsError.tooLarge` if the input exceeds the limits.
    package func start(_ request: JobRequest, key use: KeyUse = .unknown) throws(JobsError) -> JobTransition {
        let size = request.inputBytes
        guard size <= min(limits.largestBody, limits.maximumUnfinishedBytes) else {
            throw JobSentences.inputIsTooLarge(size)
        }
        let ceilings = ceilings(of: request, size)
        guard let cache = request.cache, request.remote == nil else {
            return JobTransition(request.id, to: .queued, if: ceilings, [.create, .queue(first: false)])
        }
        let key = cache.key
        switch use {
        case .unknown:
            let guards = ceilings + (cache.reuseCached ? [.isNotCached(key)] : []) + [.isFree(key)]
            return JobTransition(request.id, to: .queued, if: guards, [.create, .lead(key), .queue(first: false)])
        case .taken:
            return JobTransition(request.id, to: .queued, if: ceilings + [.isTaken(key)], [.create, .follow(key)])
        case .cached:
            let changes: [JobChange] = [.create, .finish(JobEnd(.succeeded, result: .cached(key))), .notify]
            return JobTransition(request.id, to: .succeeded, if: ceilings + [.isCached(key)], changes)
        }
    }

    private func ceilings(of request: JobRequest, _ size: Int) -> [JobGuard] {
        let waiting: [JobGuard] = request.remote == nil ? [.waitingJobs(below: limits.queueLimit)] : []
        return [.isNew] + waiting + [
            .inputBytes(adding: size, atMost: limits.maximumUnfinishedBytes),
            .unfinishedJobs(of: request.owner, below: limits.jobsPerOwner),
        ]
    }

    /// The state of the key after a guard of the start failed; nil for other guards.
    package func keyUse(after failed: JobGuard) -> KeyUse? {
        switch failed {
        case .isNotCached: .cached
        case .isFree: .taken
        case .isTaken, .isCached: .unknown
        default: nil
        }
    }

    /// The job's message could not be sent: the job is removed, unless an attempt has begun.
    package func withdraw(_ job: JobFacts) -> JobTransition? {
        guard job.state == .queued, job.attempt == 0 else { return nil }
        return JobTransition(job.id, to: nil, if: [.state([.queued])], release(job) + [.notify, .remove])
    }

    // MARK: Attempts

    /// The program's version of the jobs with a name.
    package enum ProgramVersion: Sendable, Hashable {
        /// Not checked.
        case any
        /// The program has no such job.
        case none
        case some(String)

        package init(_ currentVersion: (@Sendable (String) -> String?)?, _ name: String) {
            guard let currentVersion else {
                self = .any
                return
            }
            self = currentVersion(name).map { .some($0) } ?? .none
        }
    }

    /// A worker is free for a waiting job.
    package func begin(_ job: JobFacts, fence: String, version: ProgramVersion) -> JobTransition? {
        guard job.state == .queued else { return nil }
        if let end = mismatch(job, version) {
            return finish(job, end, if: [.state([.queued])])
        }
        let guards = [.state([.queued])] + names(job, version)
        return JobTransition(job.id, to: .running, if: guards, [.beginAttempt(fence: fence)])
    }

    private func names(_ job: JobFacts, _ version: ProgramVersion) -> [JobGuard] {
        guard case .some(let text) = version else { return [] }
        return [.name(job.name), .version(text)]
    }

    /// The failure of a job whose code has changed; nil if it is the same.
    package func mismatch(_ job: JobFacts, _ version: ProgramVersion) -> JobEnd? {
        switch version {
        case .any: nil
        case .some(let text) where text == job.version: nil
        case .some: JobEnd(.failed, failure: JobSentences.otherVersion(of: job.name, isGone: false))
        case .none: JobEnd(.failed, failure: JobSentences.otherVersion(of: job.name, isGone: true))
        }
    }

    /// Fails an unfinished job whose code has changed.
    package func checkVersion(_ job: JobFacts, _ version: ProgramVersion) -> JobTransition? {
        guard !job.state.isFinished, let end = mismatch(job, version) else { return nil }
        return finish(job, end, if: [.state([job.state])])
    }

    /// The attempt sent progress or properties.
    package func merge(_ job: JobFacts, progress: [PropertyValue], props: [PropertyValue]) -> JobTransition? {
        guard job.state == .running, job.stop == nil else { return nil }
        return JobTransition(job.id, to: .running, if: sending(job), [.merge(progress: progress, props: props)])
    }

    private func sending(_ job: JobFacts) -> [JobGuard] { present(job) + [.isNotStopped] }

    /// The attempt sent more than the limit, not counting patches that the page has received.
    package func overflow(_ job: JobFacts, bytes: Int) -> JobTransition? {
        guard bytes > limits.maximumChangesBytes, job.state == .running, job.stop == nil else { return nil }
        let failure = JobSentences.changesAreTooLarge(bytes, limit: limits.maximumChangesBytes)
        return JobTransition(job.id, to: .running, if: sending(job), [.stopAttempt(failure)])
    }

    /// The attempt ended.
    ///
    /// - Parameter isStopping: Whether it was cancelled by a shutdown: the job is then requeued.
    package func complete(_ job: JobFacts, _ outcome: WorkerOutcome, isStopping: Bool = false) -> JobTransition? {
        guard job.isUnderWay else { return nil }
        var guards = present(job)
        if job.state == .cancelling { return finish(job, JobEnd(.cancelled), if: guards) }
        if let stop = job.stop { return finish(job, JobEnd(.failed, failure: stop), if: guards) }
        guards.append(.isNotStopped)
        switch outcome {
        case .succeeded(let bytes): return succeed(job, bytes, if: guards)
        case .failed(let failure): return fail(job, failure, if: guards)
        case .cancelled where !isStopping: return finish(job, JobEnd(.cancelled), if: guards)
        case .cancelled, .shutDown:
            return JobTransition(job.id, to: .queued, if: guards, [.queue(first: true)])
        }
    }

    /// The guards for an event of the current attempt.
    private func present(_ job: JobFacts) -> [JobGuard] {
        (job.fence.map { [.attempt($0)] } ?? []) + [.state([job.state])]
    }

    /// A result that is too large fails the job without a retry.
    private func succeed(_ job: JobFacts, _ result: [UInt8], if guards: [JobGuard]) -> JobTransition {
        if let failure = JobSentences.resultIsTooLarge(result.count, limit: limits.maximumResultBytes) {
            return finish(job, JobEnd(.failed, failure: failure), if: guards)
        }
        return finish(job, JobEnd(.succeeded, result: .value(RawJSON(unchecked: result))), if: guards)
    }

    /// Retries the job, or fails it.
    private func fail(_ job: JobFacts, _ failure: JobFailure, if guards: [JobGuard]) -> JobTransition {
        let failures = job.failures + 1
        guard failure.allowsRetry, failures <= job.retries.limit else {
            let state: JobState =
                switch failure.kind {
                case .lost: .lost
                case .timedOut: .timedOut
                default: .failed
                }
            return finish(job, JobEnd(state, failure: failure), if: guards, before: [.countFailure])
        }
        let wait = job.retries.wait(afterFailures: failures)
        let waiting: JobChange = wait > .zero ? .schedule(after: wait) : .queue(first: true)
        let state: JobState = wait > .zero ? .scheduled : .queued
        return JobTransition(job.id, to: state, if: guards, [.countFailure, waiting, .notify])
    }

    // MARK: Interruptions

    /// What disappeared during an attempt.
    package enum Interruption: Sendable, Hashable {
        /// The server and its workers, for an unknown reason: the job may be the cause.
        case server
        /// The server, by a trap in its own code.
        case serverTrap
        /// The worker process with this id, in a fleet; nil if it is known to have ended.
        case worker(String?)
    }

    /// The attempt was interrupted. If the job cannot be the cause, it runs again, a limited number of times.
    ///
    /// - Parameter fence: The id of an attempt that begins at once on another worker; nil requeues the job.
    package func interrupt(_ job: JobFacts, by cause: Interruption, fence: String? = nil) -> JobTransition? {
        guard job.isUnderWay else { return nil }
        var guards = present(job)
        if case .worker(let worker?) = cause { guards.append(.isGone(worker: worker)) }
        if job.state == .cancelling { return finish(job, JobEnd(.cancelled), if: guards) }
        let isLast = job.interruptions >= limits.maximumInterruptions
        switch cause {
        case .worker where isLast:
            let failure = JobSentences.workerVanished(times: job.interruptions + 1)
            return finish(job, JobEnd(.lost, failure: failure), if: guards, before: [.countInterruption])
        case .worker:
            let next: JobChange = fence.map { .beginAttempt(fence: $0) } ?? .queue(first: true)
            return JobTransition(job.id, to: fence == nil ? .queued : .running, if: guards, [.countInterruption, next])
        case .serverTrap where !isLast:
            return JobTransition(job.id, to: .queued, if: guards, [.countInterruption, .queue(first: false)])
        case .server, .serverTrap:
            return fail(job, JobSentences.serverVanished, if: guards)
        }
    }

    /// The attempt could not begin, or the shutdown came first: requeues the job.
    package func putBack(_ job: JobFacts) -> JobTransition? {
        guard job.isUnderWay else { return nil }
        if job.state == .cancelling { return finish(job, JobEnd(.cancelled), if: present(job)) }
        return JobTransition(job.id, to: .queued, if: present(job), [.queue(first: false)])
    }

    // MARK: Cancellation and time

    /// Cancels the job. If a worker of this program runs it, it is asked to stop first.
    package func cancel(_ job: JobFacts, reason: String) -> JobTransition? {
        switch job.state {
        case .scheduled, .queued:
            return finish(job, JobEnd(.cancelled, reason: reason), if: [.state([.scheduled, .queued])])
        case .running where job.isRemote:
            return finish(job, JobEnd(.cancelled, reason: reason), if: [.state([.running])])
        case .running:
            let changes: [JobChange] = [.requestStop(reason: reason), .notify]
            return JobTransition(job.id, to: .cancelling, if: [.state([.running])], changes)
        case .cancelling, .succeeded, .failed, .cancelled, .timedOut, .lost: return nil
        }
    }

    /// The due time of a scheduled job has passed.
    package func becomeDue(_ job: JobFacts) -> JobTransition? {
        guard job.state == .scheduled else { return nil }
        return JobTransition(job.id, to: .queued, if: [.state([.scheduled]), .isOver(.due)], [.queue(first: true)])
    }

    /// No one polled a waiting job for the configured time.
    package func abandon(_ job: JobFacts) -> JobTransition? {
        guard job.state == .queued else { return nil }
        return finish(
            job,
            JobEnd(.cancelled, reason: JobSentences.abandoned),
            if: [.state([.queued]), .isOver(.interest(limits.abandonQueuedAfter))]
        )
    }

    /// The message of a waiting job was lost: sends it again.
    package func sendAgain(_ job: JobFacts) -> JobTransition {
        JobTransition(job.id, to: .queued, if: [.state([.queued])], [.resend])
    }

    /// The retention time of a finished job has passed.
    package func expire(_ id: JobID) -> JobTransition {
        JobTransition(id, to: nil, if: [.isOver(.removal(limits.keepFinished))], [.remove])
    }

    // MARK: One run for all jobs with one key

    /// The job that this one follows ended with an outcome that followers share.
    package func share(_ end: JobEnd, with follower: JobFacts) -> JobTransition {
        finish(follower, end, if: [.state([.queued]), .isFollowing])
    }

    /// The job that this one follows ended without a shared outcome: this one leads, or follows the new leader.
    package func takeOver(_ follower: JobFacts, isTaken: Bool) -> JobTransition? {
        guard let key = follower.cache?.key else { return nil }
        let guards: [JobGuard] = [.state([.queued]), .isFollowing, isTaken ? .isTaken(key) : .isFree(key)]
        let changes: [JobChange] = isTaken ? [.follow(key)] : [.unfollow, .lead(key), .queue(first: false)]
        return JobTransition(follower.id, to: .queued, if: guards, changes)
    }

    // MARK: Tasks of other programs

    /// The status of a task on another program's worker, by its Celery result. A running one may have progress.
    package enum RemoteReport: Sendable {
        case running([PropertyValue])
        case ended(JobEnd)
        /// No report for this time.
        case silent(Duration)
    }

    /// Another program's worker reported, or failed to.
    package func remote(_ job: JobFacts, _ report: RemoteReport) -> JobTransition? {
        guard job.isRemote, !job.state.isFinished else { return nil }
        switch report {
        case .running(let progress):
            let isQueued = job.state == .queued
            let begin: [JobChange] = isQueued ? [.beginAttempt(fence: "")] : []
            let merge: [JobChange] = progress.isEmpty ? [] : [.merge(progress: progress, props: [])]
            let states: [JobState] = isQueued ? [.queued, .running] : [.running]
            return JobTransition(job.id, to: .running, if: [.state(states)], begin + merge)
        case .ended(let end):
            return finish(job, bounded(end), if: [.state([.queued, .running])])
        case .silent(let time):
            let end = JobEnd(.lost, failure: JobSentences.remoteIsSilent(for: time))
            return finish(job, end, if: [.state([.running]), .isOver(.interest(time))])
        }
    }

    private func bounded(_ end: JobEnd) -> JobEnd {
        guard case .value(let result) = end.result,
            let failure = JobSentences.resultIsTooLarge(result.bytes.count, limit: limits.maximumResultBytes)
        else { return end }
        return JobEnd(.failed, failure: failure)
    }

    // MARK: Completion

    private func finish(
        _ job: JobFacts,
        _ end: JobEnd,
        if guards: [JobGuard],
        before: [JobChange] = []
    ) -> JobTransition {
        var changes = before + [.finish(end)]
        if case .value = end.result, let cache = job.cache { changes.append(.cacheResult(cache)) }
        changes += release(job)
        return JobTransition(job.id, to: end.state, if: guards, changes + [.notify])
    }

    private func release(_ job: JobFacts) -> [JobChange] {
        guard let key = job.cache?.key, !job.isRemote else { return [] }
        return [.release(key)]
    }
}

extension JobRequest {
    /// The size of the input in bytes.
    package var inputBytes: Int { payload.count + details.count }
}
