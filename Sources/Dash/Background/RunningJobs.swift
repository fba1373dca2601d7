import Jobs
import Synchronization

/// Which job a page has running for which outputs, so that a second start replaces the first.
///
/// The renderer's own `oldJob` is not enough: it comes late for a quick second click, and it names jobs that
/// other callbacks without outputs started (dash-protocol §16, 7).
final class RunningJobs: Sendable {
    /// A page load of an owner: whoever else learns the load's token has no power over its jobs.
    struct Page: Hashable, Sendable {
        var owner: String
        var load: String
    }

    /// A page's place for one job: a callback and the outputs it was started for.
    struct Place: Hashable, Sendable {
        var page: Page
        var app: String
        var callback: String
        /// The concrete outputs, as the request's text.
        var outputs: String
    }

    /// More pages than any site has at work. Pages that were closed stay until they make room; beyond it the renderer's
    /// own word must do.
    private static let capacity = 100_000
    private let pages = Mutex<[Page: [Place: JobID]]>([:])

    /// Puts a job in its place.
    ///
    /// - Returns: the job that was there, to be ended.
    func replace(_ place: Place, with job: JobID) -> JobID? {
        pages.withLock { pages in
            if pages.count >= Self.capacity, let page = pages.keys.first { pages[page] = nil }
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

    /// Whether a job is still in its place: neither replaced nor taken away.
    func holds(_ place: Place, _ job: JobID) -> Bool {
        pages.withLock { $0[place.page]?[place] == job }
    }

    /// Takes away the jobs a page has running for some callbacks of an app.
    ///
    /// - Returns: the jobs, to be ended.
    func take(_ page: Page, app: String, callbacks: Set<String>) -> [JobID] {
        pages.withLock { pages in
            let taken = (pages[page] ?? [:]).filter { $0.key.app == app && callbacks.contains($0.key.callback) }
            for place in taken.keys { pages[page]?[place] = nil }
            if pages[page]?.isEmpty == true { pages[page] = nil }
            return Array(taken.values)
        }
    }
}
