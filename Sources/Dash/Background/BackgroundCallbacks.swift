import DashJSON
import HTTPTypes
import Hummingbird
import Jobs
import Logging

/// Answers the renderer's requests for background callbacks: starts jobs, holds polls, cancels.
///
/// What each poll is answered with is the table of ``PollDecision``; who may ask is decided by the handle, which is
/// bound to the owner and to the page load.
struct BackgroundCallbacks: Sendable {
    let manager: any JobManager
    let handles: JobHandle
    let polls: HeldPolls
    let logger: Logger
    /// How long the first request waits for the result, so that a quick job needs no second one.
    let firstWait: Duration
    let running: RunningJobs
    let pace: ProgressPace
    let failures: FailureAnswers

    /// - Parameter fleet: what the site's web servers share.
    init(
        manager: any JobManager,
        fleet: any JobFleet,
        handles: JobHandle,
        polls: HeldPolls,
        logger: Logger,
        firstWait: Duration,
        keepFinished: Duration
    ) {
        self.manager = manager
        self.handles = handles
        self.polls = polls
        self.logger = logger
        self.firstWait = firstWait
        running = RunningJobs(fleet: fleet)
        pace = ProgressPace(fleet: fleet)
        failures = FailureAnswers(fleet: fleet, keepFinished: keepFinished)
    }

    /// Answers a request for a background callback: the poll of a job, or a start.
    func respond(to call: CallbackCall) async throws -> Response {
        guard let page = call.visitor?.page else {
            return Answers.notice(.forbidden, "This page's token is missing or not ours. Reload the page.")
        }
        guard let handle = call.query.job else { return try await start(call, page: page) }
        do {
            return try await poll(call, handle: handle, page: page)
        } catch let error as JobsError {
            // No end of the job: our script asks again after a 503.
            logger.error("A poll could not be answered", metadata: ["job": "\(call.jobName)", "error": "\(error)"])
            return Answers.text(.serviceUnavailable, "The server cannot look at its jobs just now.")
        }
    }

    /// Cancels the jobs that a click names, and those that a start replaces, where the handles are good.
    ///
    /// Handles that are forged, foreign or stale are logged and do not spoil the click.
    ///
    /// - Returns: whether all jobs that were to be cancelled are told; false when the manager cannot be reached.
    func cancelNamedJobs(of call: CallbackCall) async -> Bool {
        guard !call.query.cancelJobs.isEmpty || !call.query.oldJobs.isEmpty else { return true }
        var areTold = true
        let page = call.visitor?.page ?? ""
        for handle in call.query.cancelJobs {
            guard let job = read(handle, call, page) else { continue }
            areTold = await cancel(job, reason: "cancelled by the page") && areTold
        }
        for handle in call.query.oldJobs {
            guard let job = read(handle, call, page), await belongs(job, to: call) else { continue }
            await cancel(job, reason: "superseded")
        }
        return areTold
    }

    /// Cancels the page's jobs that a change of a cancel input means, although the page may not know them yet: the first
    /// answer of a job is held for a moment, and until then the renderer has no handle to send.
    ///
    /// - Parameters:
    ///   - call: the request of the cancel input.
    ///   - callbacks: the callbacks of its app.
    /// - Returns: whether all of them are told; false when the manager, or what servers share, cannot be reached.
    func cancelJobs(waitingFor call: CallbackCall, among callbacks: [Callback]) async -> Bool {
        guard let page = call.visitor?.page else { return true }
        let meant = callbacks.filter { callback in
            callback.background?.cancel.contains { call.callback.inputs.contains($0) } ?? false
        }
        let cancel = RunningJobs.Cancel(
            page: RunningJobs.Page(owner: call.owner, load: page),
            app: call.app,
            order: call.query.order,
            names: Set(meant.map(call.cancelName)),
            // A change of the page's address, which ends the jobs of the page before, comes just before the first jobs of the
            // new one; only a hand is too slow to mean what starts next.
            isClick: call.query.cancelJobs.isEmpty && call.callback.inputs.contains { $0.property == "n_clicks" }
        )
        do {
            var areTold = true
            for job in try await running.take(
                cancel,
                where: { call.cancels(jobOf: $0, outputs: $1, among: meant) }
            ) {
                areTold = await self.cancel(job, reason: "cancelled by the page") && areTold
            }
            return areTold
        } catch {
            logger.error("The jobs of a page could not be looked up", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// - Returns: whether the job is told; false when the manager cannot be reached.
    @discardableResult
    func cancel(_ job: JobID, reason: String) async -> Bool {
        do {
            try await manager.cancel(job, reason: reason)
            return true
        } catch {
            logger.error("A job could not be cancelled", metadata: ["job": "\(job)", "error": "\(error)"])
            return false
        }
    }

    private func read(_ handle: String, _ call: CallbackCall, _ page: String) -> JobID? {
        let job = handles.read(handle, owner: call.owner, page: page)
        if job == nil { logger.notice("A job handle that is not ours was ignored", metadata: ["app": "\(call.app)"]) }
        return job
    }

    /// Whether a job is one of this callback for these outputs. The renderer also names jobs of other callbacks
    /// without outputs (dash-protocol §16, 7), which go on.
    private func belongs(_ job: JobID, to call: CallbackCall) async -> Bool {
        guard call.callback.kind == .background, let news = try? await manager.news(of: job, after: .max),
            let details = try? JobDetails(decoding: news.details)
        else { return false }
        return news.name == call.jobName && details.outputs == call.place(page: news.page).outputs
    }
}
