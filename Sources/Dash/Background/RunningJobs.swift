import Jobs
import Synchronization

/// Which job a page has running for which outputs, so that a second start replaces the first.
///
/// The renderer's own `oldJob` is not enough: it comes late for a quick second click, and it names jobs that
/// other callbacks without outputs started (dash-protocol §16, 7).
final class RunningJobs: Sendable {
    /// A page load's place for one job: a callback and the outputs it was started for.
    struct Place: Hashable, Sendable {
        var page: String
        var app: String
        var callback: String
        /// The concrete outputs, as the request's text.
        var outputs: String
    }

    /// More than any site has running; beyond it the renderer's own word must do.
    private static let capacity = 100_000
    private let jobs = Mutex<[Place: JobID]>([:])

    /// Puts a job in its place.
    ///
    /// - Returns: the job that was there, to be ended.
    func replace(_ place: Place, with job: JobID) -> JobID? {
        jobs.withLock { jobs in
            if jobs.count >= Self.capacity { jobs.removeAll(keepingCapacity: true) }
            return jobs.updateValue(job, forKey: place)
        }
    }

    /// Forgets a job that has ended, if it is still in its place.
    func forget(_ place: Place, _ job: JobID) {
        jobs.withLock { jobs in
            if jobs[place] == job { jobs[place] = nil }
        }
    }
}
