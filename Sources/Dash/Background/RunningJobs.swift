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
        for name in place.lateNames where try await fleet.rest(ofPause: place.page.cancelKey(place.app, name)) != nil {
            return false
        }
        return true
    }

    /// Takes away some of the jobs a page has running of an app, and those whose start is on its way: the page knows of a
    /// job that is not here yet.
    ///
    /// - Parameters:
    ///   - page: the page.
    ///   - app: the app.
    ///   - late: what starts on their way are known by; see ``Place/lateName(callback:outputs:)``.
    ///   - isMeant: whether the job of a callback, started for these outputs, is one of them.
    /// - Returns: the jobs, to be ended.
    /// - Throws: `JobsError.storage`.
    func takeWithLate(
        _ page: Page,
        app: String,
        _ late: Set<String>,
        where isMeant: (_ callback: String, _ outputs: String) -> Bool
    ) async throws -> [JobID] {
        // First, so that a start finds this, or is found.
        for name in late { try await fleet.pause(page.cancelKey(app, name), for: Self.lateStart) }
        let taken = try await take(page, app: app, where: isMeant)
        if !taken.isEmpty {
            for name in late { try await fleet.pause(page.cancelKey(app, name), for: .zero) }
        }
        return taken
    }

    /// Takes away some of the jobs a page has running of an app.
    ///
    /// - Parameter isMeant: whether the job of a callback, started for these outputs, is one of them.
    /// - Returns: the jobs, to be ended.
    /// - Throws: `JobsError.storage`.
    func take(
        _ page: Page,
        app: String,
        where isMeant: (_ callback: String, _ outputs: String) -> Bool
    ) async throws -> [JobID] {
        var taken: [JobID] = []
        for (key, value) in try await fleet.values(in: page.key) {
            guard let place = try? JSON(parsing: Array(key.utf8)), place[0].stringValue == app,
                let callback = place[1].stringValue, isMeant(callback, place[2].stringValue ?? ""),
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
    fileprivate func cancelKey(_ app: String, _ name: String) -> String {
        RawJSON(json: ["cancel", .string(owner), .string(load), .string(app), .string(name)]).description
    }
}

extension RunningJobs.Place {
    /// The name of the place within the page's group.
    fileprivate var key: String {
        RawJSON(json: [.string(app), .string(callback), .string(outputs)]).description
    }

    /// What a click on cancel calls the start that it comes before: that of a callback, or for these outputs only.
    static func lateName(callback: String, outputs: String?) -> String {
        outputs.map { "\(callback)\n\($0)" } ?? callback
    }

    /// Every name by which a click may have meant this place. A click that means one row only names its outputs.
    fileprivate var lateNames: [String] {
        let whole = Self.lateName(callback: callback, outputs: nil)
        return outputs.contains("{") ? [whole, Self.lateName(callback: callback, outputs: outputs)] : [whole]
    }
}
