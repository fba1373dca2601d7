import DashJSON

/// Unfinished jobs that cache their result under the same key: one runs for all.
struct SharedRuns: Sendable {
    private struct Run: Sendable {
        var leader: JobID
        /// The jobs that wait for its end, in the order of their start. Some may have ended since.
        var followers: [JobID] = []
    }

    private var runs: [CacheKey: Run] = [:]
    /// How many runs have ended.
    private(set) var completedRuns = 0

    func leader(of key: CacheKey) -> JobID? { runs[key]?.leader }

    mutating func lead(_ key: CacheKey, by id: JobID) {
        runs[key, default: Run(leader: id)].leader = id
    }

    mutating func follow(_ key: CacheKey, by id: JobID) {
        runs[key]?.followers.append(id)
    }

    /// Ends the run of a key, if this job leads it, and returns the followers.
    mutating func complete(_ key: CacheKey, by id: JobID) -> [JobID]? {
        guard runs[key]?.leader == id, let run = runs.removeValue(forKey: key) else { return nil }
        completedRuns += 1
        return run.followers
    }
}

/// An end that a job takes over instead of running.
struct SharedEnd: Sendable {
    var end: JobEnd
    var result: RawJSON?

    /// The cached result of an earlier job.
    init(_ end: JobEnd, result: RawJSON) {
        (self.end, self.result) = (end, result)
    }

    /// The end of the leader; nil if it does not apply to its followers.
    init?(_ ending: JobStatus, of leader: JobID) {
        end = JobEnd(ending.state, failure: ending.failure, result: ending.result == nil ? .none : .of(leader))
        result = ending.result
        guard end.isShared else { return nil }
    }
}
