import DashJSON
import Jobs

/// Records which job a page runs for which outputs, on whichever server the requests arrive: a second start replaces
/// the first, and a cancel ends it.
///
/// The renderer's `oldJob` does not suffice: it is late for a quick second click, and it names jobs of other callbacks
/// without outputs (defect 7 in docs/protocol.md).
///
/// Requests may arrive in another order than they left the page. Our script numbers them, so a cancel ends exactly the
/// jobs started before it. Without numbers the order of arrival counts, with a short grace period after a click.
struct RunningJobs: Sendable {
    /// A page load of an owner. Another owner who learns the load's token cannot affect its jobs.
    struct Page: Hashable, Sendable {
        var owner: String
        var load: String
    }

    /// A page's slot for one job: a callback and the outputs it was started for.
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
        /// The request's number; nil without our script.
        var order: Int?
        /// The names of the cancels that end the job.
        var cancels: Set<String>
    }

    /// A request to end jobs of a page.
    struct Cancel: Sendable {
        var page: Page
        var app: String
        /// The request's number; nil without our script.
        var order: Int?
        /// Its names, one for each callback whose jobs it ends.
        var names: Set<String>
        /// Whether it is a click that names no job. Without a number, all that is known is that it follows a start.
        var isClick: Bool
    }

    /// The result of a start.
    enum Turn: Sendable {
        /// The slot is taken; `old` is the replaced job.
        case now(old: JobID?)
        /// A cancel or another start left the page later: the job must not run.
        case late
    }

    /// A page without a start for this long counts as closed; afterwards only the renderer's `oldJob` applies.
    private static let lifetime = Duration.seconds(24 * 3600)
    /// Without numbers, a start may arrive after the click on cancel that followed it. No user clicks cancel and then
    /// start again this quickly.
    private static let lateStart = Duration.milliseconds(300)
    let sharedState: any SharedState

    /// Puts a job into its slot.
    ///
    /// - Returns: Whether the job has the slot, and the replaced job, to be cancelled.
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

    /// Removes a completed job that is still in its slot. A failure is harmless: cancelling a completed job has no
    /// effect.
    func forget(_ slot: Slot, _ job: JobID) async {
        _ = try? await sharedState.remove(slot.key, in: slot.page.key, ifStill: job.text)
    }

    /// Whether a job is still in its slot, and no earlier click on cancel applies to it.
    ///
    /// - Throws: `JobsError.storage`.
    func holds(_ start: Start) async throws -> Bool {
        let page = start.slot.page
        guard try await sharedState.values(in: page.key)[start.slot.key]?.text == start.job.text else { return false }
        guard start.order == nil else { return true }
        for name in start.cancels where try await sharedState.cooldown(page.pauseKey(name)) != nil { return false }
        return true
    }

    /// Removes the jobs that a cancel ends, including those whose start has not arrived yet.
    ///
    /// - Parameter isMeant: Whether the cancel applies to a callback's job for these outputs.
    /// - Returns: The removed jobs, to be cancelled.
    /// - Throws: `JobsError.storage`.
    func take(
        _ cancel: Cancel,
        where isMeant: (_ callback: String, _ outputs: String) -> Bool
    ) async throws -> [JobID] {
        // First, so that a concurrent start either finds this or is found.
        if let order = cancel.order {
            try await sharedState.raiseWatermarks(cancel.names, in: cancel.page.key, with: order)
        } else if cancel.isClick {
            for name in cancel.names {
                try await sharedState.startCooldown(cancel.page.pauseKey(name), for: Self.lateStart)
            }
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
    /// Whether a job was started before this cancel; true without numbers.
    fileprivate func ends(_ job: SharedValue) -> Bool {
        guard let order, let start = job.order else { return true }
        return start < order
    }
}

extension RunningJobs.Page {
    /// The key of the page's group.
    fileprivate var key: String { RawJSON(json: ["page", .string(owner), .string(load)]).description }

    /// The key of the cooldown after a click on cancel.
    fileprivate func pauseKey(_ name: String) -> String {
        RawJSON(json: ["cancel", .string(owner), .string(load), .string(name)]).description
    }
}

extension RunningJobs.Slot {
    /// The slot's key in the page's group.
    fileprivate var key: String {
        RawJSON(json: [.string(app), .string(callback), .string(outputs)]).description
    }
}
