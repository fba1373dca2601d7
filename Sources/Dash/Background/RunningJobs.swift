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

    /// More pages than any site has at work; beyond it the renderer's own word must do.
    private static let capacity = 100_000
    private let pages = Mutex<[String: [Place: JobID]]>([:])

    /// Puts a job in its place.
    ///
    /// - Returns: the job that was there, to be ended.
    func replace(_ place: Place, with job: JobID) -> JobID? {
        pages.withLock { pages in
            if pages.count >= Self.capacity { pages.removeAll(keepingCapacity: true) }
            return pages[place.page, default: [:]].updateValue(job, forKey: place)
        }
    }

    /// Forgets a job that has ended, if it is still in its place.
    func forget(_ place: Place, _ job: JobID) {
        pages.withLock { pages in
            guard pages[place.page]?[place] == job else { return }
            pages[place.page]?[place] = nil
            if pages[place.page]?.isEmpty == true { pages[place.page] = nil }
        }
    }

    /// The jobs a page has running for some callbacks of an app.
    func jobs(page: String, app: String, callbacks: Set<String>) -> [JobID] {
        pages.withLock { pages in
            (pages[page] ?? [:]).filter { $0.key.app == app && callbacks.contains($0.key.callback) }.map(\.value)
        }
    }
}
