import DashJSON
import Jobs

/// Which job a page has running for which outputs, so that a second start replaces the first, whichever server it comes
/// to.
///
/// The renderer's own `oldJob` is not enough: it comes late for a quick second click, and it names jobs that
/// other callbacks without outputs started (dash-protocol §16, 7).
struct RunningJobs: Sendable {
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

    /// A page that starts nothing for so long is closed; beyond it the renderer's own word must do.
    private static let lifetime = Duration.seconds(24 * 3600)
    /// A start may arrive after the click on cancel that followed it: at another server, or over a slower connection. No hand
    /// clicks on cancel and on start again as quickly as this.
    private static let lateStart = Duration.milliseconds(300)
    let fleet: any JobFleet

    /// Puts a job in its place.
    ///
    /// - Returns: the job that was there, to be ended.
    /// - Throws: `JobsError.storage`.
    func replace(_ place: Place, with job: JobID) async throws -> JobID? {
        try await fleet.replace(place.key, in: place.page.key, with: job.text, lifetime: Self.lifetime)
            .flatMap { JobID($0) }
    }

    /// Forgets a job that has ended, if it is still in its place. One that cannot be forgotten now does no harm: to end a
    /// job that has ended is nothing.
    func forget(_ place: Place, _ job: JobID) async {
        _ = try? await fleet.remove(place.key, in: place.page.key, ifStill: job.text)
    }

    /// Whether a job is still in its place: neither replaced nor taken away, nor meant by a click on cancel that came before
    /// it.
    ///
    /// - Throws: `JobsError.storage`.
    func holds(_ place: Place, _ job: JobID) async throws -> Bool {
        guard try await fleet.values(in: place.page.key)[place.key] == job.text else { return false }
        return try await fleet.rest(ofPause: place.page.cancelKey(place.app, place.callback)) == nil
    }

    /// Takes away the jobs a page has running for some callbacks of an app, and those whose start is on its way: the page
    /// knows of a job that is not here yet.
    ///
    /// - Returns: the jobs, to be ended.
    /// - Throws: `JobsError.storage`.
    func takeWithLate(_ page: Page, app: String, callbacks: Set<String>) async throws -> [JobID] {
        // First, so that a start finds this, or is found.
        for callback in callbacks { try await fleet.pause(page.cancelKey(app, callback), for: Self.lateStart) }
        let taken = try await take(page, app: app, callbacks: callbacks)
        if !taken.isEmpty {
            for callback in callbacks { try await fleet.pause(page.cancelKey(app, callback), for: .zero) }
        }
        return taken
    }

    /// Takes away the jobs a page has running for some callbacks of an app.
    ///
    /// - Returns: the jobs, to be ended.
    /// - Throws: `JobsError.storage`.
    func take(_ page: Page, app: String, callbacks: Set<String>) async throws -> [JobID] {
        guard !callbacks.isEmpty else { return [] }
        var taken: [JobID] = []
        for (key, value) in try await fleet.values(in: page.key) {
            guard let place = try? JSON(parsing: Array(key.utf8)), place[0].stringValue == app,
                let callback = place[1].stringValue, callbacks.contains(callback),
                try await fleet.remove(key, in: page.key, ifStill: value), let job = JobID(value)
            else { continue }
            taken.append(job)
        }
        return taken
    }
}

extension RunningJobs.Page {
    /// The name of the page's group.
    fileprivate var key: String { RawJSON(json: ["page", .string(owner), .string(load)]).description }

    /// The name of a click on cancel that ends what starts next.
    fileprivate func cancelKey(_ app: String, _ callback: String) -> String {
        RawJSON(json: ["cancel", .string(owner), .string(load), .string(app), .string(callback)]).description
    }
}

extension RunningJobs.Place {
    /// The name of the place within the page's group.
    fileprivate var key: String {
        RawJSON(json: [.string(app), .string(callback), .string(outputs)]).description
    }
}
