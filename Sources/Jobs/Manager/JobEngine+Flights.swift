import DashJSON

/// Jobs that are to keep their result under one key: one of them runs for all.
struct Flight: Sendable {
    /// The one that runs, or is the first to.
    var leader: JobID
    /// Those that wait for its end, in the order of their start; some may have ended by themselves.
    var followers: [JobID] = []
}

/// An end that a job gets without running.
struct SharedEnd: Sendable {
    var state: JobState
    var failure: JobFailure?
    var result: RawJSON?

    init(result: RawJSON) {
        state = .succeeded
        self.result = result
    }

    /// The end of one job as that of others with the same key; nil if it says nothing of them.
    init?(_ ending: JobStatus) {
        (state, failure, result) = (ending.state, ending.failure, ending.result)
        guard state == .succeeded || failure?.concernsEqualJobs ?? false else { return nil }
    }
}

extension JobEngine {
    /// Puts a job with a key to the others of that key.
    ///
    /// - Returns: whether it is to wait for another's end.
    mutating func joinFlight(_ id: JobID) -> Bool {
        guard let key = jobs[id]?.request.cache?.key else { return false }
        if let leader = flights[key].flatMap({ jobs[$0.leader] }), leader.mayLead {
            flights[key]?.followers.append(id)
            jobs[id]?.isFollowing = true
            return true
        }
        flights[key, default: Flight(leader: id)].leader = id
        return false
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
        } else if let next = waiting.first {
            flights[key] = Flight(leader: next, followers: Array(waiting.dropFirst()))
            jobs[next]?.isFollowing = false
            if let entry = jobs[next], entry.isInserted { enqueue(entry, at: now) }
        }
    }

    /// Ends a job with what another made; one that is just being written, as soon as it is.
    private mutating func give(_ end: SharedEnd, to id: JobID, at now: JobTime, into actions: inout JobActions) {
        jobs[id]?.sharedEnd = end
        if jobs[id]?.isInserted ?? false { takeSharedEnd(id, at: now, into: &actions) }
    }

    /// Ends a job with what it was given.
    mutating func takeSharedEnd(_ id: JobID, at now: JobTime, into actions: inout JobActions) {
        guard let shared = jobs[id]?.sharedEnd else { return }
        end(id, as: shared.state, failure: shared.failure, result: shared.result, at: now, into: &actions)
    }
}

extension JobEntry {
    /// Whether others may wait for its end.
    fileprivate var mayLead: Bool {
        !status.state.isFinished && status.state != .cancelling && earlyCancellation == nil
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
