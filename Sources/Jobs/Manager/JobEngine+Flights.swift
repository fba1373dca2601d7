import DashJSON

/// Jobs that are to keep their result under one key: one of them runs for all.
struct Flight: Sendable {
    /// The one that runs, or is the first to.
    var leader: JobID
    /// Those that wait for its end, in the order of their start; some may have ended by themselves.
    var followers: [JobID] = []
}

/// An end that a job gets without running, with the result that goes with it.
struct SharedEnd: Sendable {
    var end: JobEnd
    var result: RawJSON?

    /// The cached result of an earlier job.
    init(_ end: JobEnd, result: RawJSON) {
        (self.end, self.result) = (end, result)
    }

    /// The end of one job as that of others with the same key; nil if it says nothing of them.
    init?(_ ending: JobStatus, of leader: JobID) {
        end = JobEnd(ending.state, failure: ending.failure, result: ending.result == nil ? .none : .of(leader))
        result = ending.result
        guard end.isShared else { return nil }
    }
}

extension JobEngine {
    /// Whether an unfinished job makes the result of a key.
    func isTaken(_ key: CacheKey) -> Bool {
        flights[key].flatMap { jobs[$0.leader] }?.mayLead ?? false
    }

    /// A job makes the result of a key, for those that follow too.
    mutating func lead(_ key: CacheKey, by id: JobID) {
        flights[key, default: Flight(leader: id)].leader = id
    }

    /// A job waits for the end of the one that makes the result of a key.
    mutating func follow(_ key: CacheKey, by id: JobID) {
        flights[key]?.followers.append(id)
        jobs[id]?.isFollowing = true
    }

    /// A job has ended, or is forgotten: those that waited for it end as it did, or the next of them runs.
    mutating func land(_ id: JobID, _ end: SharedEnd?, at now: JobTime, into actions: inout JobActions) {
        guard let key = jobs[id]?.request.cache?.key, flights[key]?.leader == id,
            let followers = flights.removeValue(forKey: key)?.followers
        else { return }
        landings += 1
        let waiting = followers.filter { jobs[$0]?.isWaitingForLeader ?? false }
        if let end {
            for follower in waiting { give(end, to: follower, at: now, into: &actions) }
        } else {
            for follower in waiting {
                guard let facts = jobs[follower]?.facts else { continue }
                apply(rules.takeOver(facts, isTaken: isTaken(key)), at: now, into: &actions)
            }
        }
    }

    /// Ends a job with what another made; one that is just being written, as soon as it is.
    private mutating func give(_ end: SharedEnd, to id: JobID, at now: JobTime, into actions: inout JobActions) {
        jobs[id]?.sharedEnd = end
        if jobs[id]?.isInserted ?? false { takeSharedEnd(id, at: now, into: &actions) }
    }

    /// Ends a job with what it was given.
    mutating func takeSharedEnd(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let entry = jobs[id], let shared = entry.sharedEnd else { return }
        apply(rules.share(shared.end, with: entry.facts), at: now, into: &actions)
    }
}

extension JobEntry {
    /// Whether others may wait for its end.
    fileprivate var mayLead: Bool {
        facts.mayLead && earlyCancellation == nil
    }

    /// Whether it waits still, and has not ended by itself.
    fileprivate var isWaitingForLeader: Bool {
        isFollowing && ending == nil && !status.state.isFinished
    }
}

extension JobFailure {
    /// Whether a job with the same code and inputs would fail in the same way.
    package var concernsEqualJobs: Bool {
        switch kind {
        case .error, .tooLarge, .timedOut, .incompatible: true
        default: false
        }
    }
}
