import DashJSON
import Jobs

/// Which job a page has running for which outputs, so that a second start replaces the first, and a cancel ends it, whichever
/// server each comes to.
///
/// The renderer's own `oldJob` is not enough: it comes late for a quick second click, and it names jobs that
/// other callbacks without outputs started (defect 7 in docs/protocol.md).
///
/// Requests may arrive in another order than that in which they left the page. Our script numbers them: what counts is the
/// number, so a cancel ends what was started before it, and nothing else, whenever it arrives. Without numbers the order of
/// arrival counts, and a moment's grace after a click.
struct RunningJobs: Sendable {
    /// A page load of an owner: whoever else learns the load's token has no power over its jobs.
    struct Page: Hashable, Sendable {
        var owner: String
        var load: String
    }

    /// A page's place for one job: a callback and the outputs it was started for.
    struct Slot: Hashable, Sendable {
        var page: Page
        var app: String
        var callback: String
        /// The concrete outputs, as the request's text.
        var outputs: String
    }

    /// A start of a job.
    struct Start: Sendable {
        var slot: Slot
        var job: JobID
        /// Its number; nil without our script.
        var order: Int?
        /// The names of the cancels that end it.
        var cancels: Set<String>
    }

    /// A request to end jobs of a page.
    struct Cancel: Sendable {
        var page: Page
        var app: String
        /// Its number; nil without our script.
        var order: Int?
        /// What it is called, for each callback whose jobs it ends.
        var names: Set<String>
        /// Whether it is a click that names no job: without a number, all that is known is that it follows a start.
        var isClick: Bool
    }

    /// What became of a start.
    enum Turn: Sendable {
        /// It has its place, where this job was.
        case now(old: JobID?)
        /// It comes after a cancel, or another start, that left the page later: it is not to run.
        case late
    }

    /// A page that starts nothing for so long is closed; beyond it the renderer's own word must do.
    private static let lifetime = Duration.seconds(24 * 3600)
    /// Without numbers: a start may arrive after the click on cancel that followed it. No hand clicks on cancel and on start
    /// again as quickly as this.
    private static let lateStart = Duration.milliseconds(300)
    let sharedState: any SharedState

    /// Puts a job in its place.
    ///
    /// - Returns: whether it is there, and the job that was, to be ended.
    /// - Throws: `JobsError.storage`.
    func begin(_ start: Start) async throws -> Turn {
        let placing = try await sharedState.replace(
            start.slot.key,
            in: start.slot.page.key,
            with: SharedValue(start.job.text, order: start.order),
            watermarks: start.cancels,
            lifetime: Self.lifetime
        )
        switch placing {
        case .placed(let before): return .now(old: before.flatMap { JobID($0) })
        case .late: return .late
        }
    }

    /// Forgets a job that has ended, if it is still in its place. One that cannot be forgotten now does no harm: to end a
    /// job that has ended is nothing.
    func forget(_ slot: Slot, _ job: JobID) async {
        _ = try? await sharedState.remove(slot.key, in: slot.page.key, ifStill: job.text)
    }

    /// Whether a job is still in its place: neither replaced nor taken away, nor meant by a click on cancel that came before
    /// it.
    ///
    /// - Throws: `JobsError.storage`.
    func holds(_ start: Start) async throws -> Bool {
        let page = start.slot.page
        guard try await sharedState.values(in: page.key)[start.slot.key]?.text == start.job.text else { return false }
        guard start.order == nil else { return true }
        for name in start.cancels where try await sharedState.cooldown(page.pauseKey(name)) != nil { return false }
        return true
    }

    /// Takes away the jobs that a cancel ends, and sees to those whose start is on its way.
    ///
    /// - Parameter isMeant: whether the job of a callback, started for these outputs, is one that the cancel ends.
    /// - Returns: the jobs, to be ended.
    /// - Throws: `JobsError.storage`.
    func take(
        _ cancel: Cancel,
        where isMeant: (_ callback: String, _ outputs: String) -> Bool
    ) async throws -> [JobID] {
        // First, so that a start finds this, or is found.
        if let order = cancel.order {
            try await sharedState.raiseWatermarks(cancel.names, in: cancel.page.key, with: order)
        } else if cancel.isClick {
            for name in cancel.names { try await sharedState.startCooldown(cancel.page.pauseKey(name), for: Self.lateStart) }
        }
        let taken = try await takeAway(cancel, where: isMeant)
        if cancel.order == nil, cancel.isClick, !taken.isEmpty {
            for name in cancel.names { try await sharedState.startCooldown(cancel.page.pauseKey(name), for: .zero) }
        }
        return taken
    }

    private func takeAway(
        _ cancel: Cancel,
        where isMeant: (_ callback: String, _ outputs: String) -> Bool
    ) async throws -> [JobID] {
        var taken: [JobID] = []
        for (key, value) in try await sharedState.values(in: cancel.page.key) {
            guard let slot = try? JSON(parsing: Array(key.utf8)), slot[0].stringValue == cancel.app,
                let callback = slot[1].stringValue, isMeant(callback, slot[2].stringValue ?? ""),
                cancel.ends(value), let job = JobID(value.text),
                try await sharedState.remove(key, in: cancel.page.key, ifStill: value.text)
            else { continue }
            taken.append(job)
        }
        return taken
    }
}

extension RunningJobs.Cancel {
    /// Whether a job was started before this, as far as is known.
    fileprivate func ends(_ job: SharedValue) -> Bool {
        guard let order, let start = job.order else { return true }
        return start < order
    }
}

extension RunningJobs.Page {
    /// The name of the page's group.
    fileprivate var key: String { RawJSON(json: ["page", .string(owner), .string(load)]).description }

    /// The name of the pause after a click on cancel.
    fileprivate func pauseKey(_ name: String) -> String {
        RawJSON(json: ["cancel", .string(owner), .string(load), .string(name)]).description
    }
}

extension RunningJobs.Slot {
    /// The name of the place within the page's group.
    fileprivate var key: String {
        RawJSON(json: [.string(app), .string(callback), .string(outputs)]).description
    }
}
