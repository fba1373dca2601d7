import Crypto
import DashJSON
import HTTPTypes
import Hummingbird
import Jobs
import Logging
import Synchronization

/// Answers the renderer's requests for background callbacks: starts jobs, holds polls, cancels.
///
/// ``PollDecision`` decides the response to a poll. Access is decided by the handle, which is bound to the owner and
/// the page load.
struct BackgroundCallbacks: Sendable {
    let manager: any JobManager
    let sharedState: any SharedState
    let handles: JobHandle
    let polls: HeldPolls
    let logger: Logger
    /// How long the first request waits for the result, so that a quick job needs no poll.
    let firstWait: Duration
    /// How long the response to a failed job is kept: as long as the job.
    let keepFinished: Duration

    private var running: RunningJobs { RunningJobs(sharedState: sharedState) }
    private var pace: ProgressPace { ProgressPace(sharedState: sharedState) }

    /// Answers a request for a background callback: the poll of a job, or a start.
    func respond(to call: CallbackCall) async throws -> Response {
        guard let page = call.visitor?.page else {
            return Answers.notice(.forbidden, "The page's token is missing or invalid. Reload the page.")
        }
        guard let handle = call.query.job else { return try await start(call, page: page) }
        do {
            return try await poll(call, handle: handle, page: page)
        } catch let error as JobsError {
            // Not the end of the job: our script polls again after a 503.
            logger.error("Could not answer a poll", metadata: ["job": "\(call.jobName)", "error": "\(error)"])
            return Answers.text(.serviceUnavailable, "The server cannot read its jobs now. Try again.")
        }
    }

    /// Cancels the jobs that a click names, and those that a start replaces. Invalid handles are logged and ignored.
    ///
    /// - Returns: Whether all named jobs were cancelled; false when the manager cannot be reached.
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

    /// Cancels the page's jobs for a change of a cancel input, even if the page does not know them yet: the first
    /// response of a job is delayed, and until then the renderer has no handle to send.
    ///
    /// - Parameters:
    ///   - call: The request of the cancel input.
    ///   - callbacks: The callbacks of its app.
    /// - Returns: Whether all of them were cancelled; false when the manager or the shared state cannot be reached.
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
            // Only clicks have a grace period: a change of the page's address arrives just before the first jobs of the
            // new page start.
            isClick: call.query.cancelJobs.isEmpty && call.callback.inputs.contains { $0.property == "n_clicks" }
        )
        do {
            var areTold = true
            for job in try await running.take(cancel, where: { call.cancels(jobOf: $0, outputs: $1, among: meant) }) {
                areTold = await self.cancel(job, reason: "cancelled by the page") && areTold
            }
            return areTold
        } catch {
            logger.error("Could not read the jobs of a page", metadata: ["error": "\(error)"])
            return false
        }
    }

    /// Cancels a job.
    ///
    /// - Returns: Whether the manager accepted the cancel; false when it cannot be reached.
    @discardableResult
    func cancel(_ job: JobID, reason: String) async -> Bool {
        do {
            try await manager.cancel(job, reason: reason)
            return true
        } catch {
            logger.error("Could not cancel a job", metadata: ["job": "\(job)", "error": "\(error)"])
            return false
        }
    }

    private func read(_ handle: String, _ call: CallbackCall, _ page: String) -> JobID? {
        let job = handles.read(handle, owner: call.owner, page: page)
        if job == nil { logger.notice("Ignored an invalid job handle", metadata: ["app": "\(call.app)"]) }
        return job
    }

    /// Whether a job belongs to this callback and these outputs. The renderer also names jobs of other callbacks
    /// without outputs (defect 7 in docs/protocol.md), which must continue.
    private func belongs(_ job: JobID, to call: CallbackCall) async -> Bool {
        guard call.callback.kind == .background, let news = try? await manager.update(of: job, after: .max),
            let details = try? JobDetails(decoding: news.details)
        else { return false }
        return news.name == call.jobName && details.outputs == call.slot(page: news.page).outputs
    }
}

// MARK: - Start

extension BackgroundCallbacks {
    /// Answers the first request of a run: from the cache, or with a new job and its first updates.
    func start(_ call: CallbackCall, page: String) async throws -> Response {
        let slot = call.slot(page: page)
        let job = JobID.new
        let start = RunningJobs.Start(slot: slot, job: job, order: call.query.order, cancels: call.cancelNames)
        do {
            // First, so that a second click or a cancel during the start finds this one.
            guard case .now(let old) = try await running.begin(start) else {
                logger.debug("Ignored a start that arrived after a later request", metadata: ["job": "\(call.jobName)"])
                return Answers.noContent
            }
            if let old { await cancel(old, reason: "superseded") }
            if let result = try await resultOrBegin(job, call, page: page) {
                await running.forget(slot, job)
                return try answer(result, props: [], call)
            }
        } catch let error as JobsError {
            await running.forget(slot, job)
            return try await failure(JobFailure(error), of: nil, call, context: nil)
        } catch {
            await running.forget(slot, job)
            return try await call.recover(from: CallbackFailure(error), logger: logger)
        }
        // If it is unknown whether the job was replaced meanwhile, it continues.
        if (try? await running.holds(start)) == false {
            await cancel(job, reason: "superseded or cancelled while it was started")
        }
        return try await firstAnswer(call, job: job, page: page)
    }

    /// Returns a cached result, or starts a job and returns nil.
    ///
    /// - Throws: `JobsError`, and errors of the cache's `by` closure.
    private func resultOrBegin(_ job: JobID, _ call: CallbackCall, page: String) async throws -> RawJSON? {
        var cache: CacheStore?
        if let policy = call.callback.background?.cache {
            let key = try await CacheKey(policy, call)
            if let result = try await manager.cachedResult(for: key) { return result }
            cache = CacheStore(key: key, expire: policy.expire, reuseCached: true)
        }
        _ = try await manager.start(request(call, job: job, page: page, cache: cache))
        return nil
    }

    /// Waits briefly for completion, so that quick jobs need one request, then returns what there is.
    private func firstAnswer(_ call: CallbackCall, job: JobID, page: String) async throws -> Response {
        if firstWait > .zero { await waitForEnd(of: job) }
        guard let news = try await manager.update(of: job, after: 0) else { return Self.unknownJob }
        let cursor = PollCursor(nil, number: 0)
        let beginning = beginning(call, job: job, page: page)
        return try await answer(news, cursor: cursor, call, page: page, beginning: beginning)
    }

    /// Waits until the job completes or the first wait is over.
    private func waitForEnd(of job: JobID) async {
        await withTaskGroup(of: Void.self) { group in
            let (manager, firstWait) = (manager, firstWait)
            group.addTask {
                var known = 0
                while let news = try? await manager.nextUpdate(of: job, after: known), !news.state.isEnding,
                    !Task.isCancelled
                {
                    known = news.sequence
                }
            }
            group.addTask { try? await Task.sleep(for: firstWait) }
            await group.next()
            group.cancelAll()
        }
    }

    /// The response fields about a job that continues.
    private func beginning(_ call: CallbackCall, job: JobID, page: String) -> CallbackResponse {
        var answer = CallbackResponse()
        answer.job = handles.make(job, owner: call.owner, page: page)
        answer.cancel = call.cancelInputs
        answer.progressDefault = call.progressDefault
        return answer
    }

    private func request(_ call: CallbackCall, job: JobID, page: String, cache: CacheStore?) -> JobRequest {
        let context = call.context { _ in }
        let isShared = call.callback.background?.cache?.scope == .shared
        let carried = context.encoded(carrying: call.jobContext, isShared: isShared)
        let details = JobDetails(
            outputs: call.slot(page: page).outputs,
            context: call.handlesErrors ? RawJSON(unchecked: carried) : nil
        )
        return JobRequest(
            id: job,
            name: call.jobName,
            payload: carried,
            owner: call.owner,
            page: page,
            version: call.callback.version,
            retries: call.callback.background?.retries ?? .none,
            cache: cache,
            details: details.bytes,
            remote: remote(call)
        )
    }

    /// The task of other workers, with the values of the callback's inputs and states as arguments.
    private func remote(_ call: CallbackCall) -> RemoteTask? {
        call.callback.background?.remote.map { remote in
            let arguments = call.request.bindings.map(\.argument)
            return RemoteTask(name: remote.name, queue: remote.queue, arguments: RawJSON(json: .array(arguments)))
        }
    }

    static let unknownJob = Answers.notice(
        .notFound,
        "This job does not exist any more. Results are kept for a limited time."
    )
}

extension JobState {
    /// Whether the page can be notified of completion.
    fileprivate var isEnding: Bool { isFinished || self == .cancelling }
}

extension CacheKey {
    /// The key of a start: the job, the program's build, the arguments, the result of the app's `by` closure, and the
    /// owner unless results are shared.
    ///
    /// - Throws: An error of the closure.
    init(_ policy: CachePolicy, _ call: CallbackCall) async throws {
        let context = call.context(emit: CallbackContext.outside.emit)
        let by = try await CallbackContext.$current.withValue(context) {
            try await withTaskExecutorPreference(call.executor) { try await policy.value() }
        }
        self.init(
            name: call.jobName,
            build: BuildID.current,
            version: call.callback.version,
            arguments: policy.keptArguments(call.request.bindings.map(\.argument), of: call.callback.slots),
            by: [by.json],
            scope: policy.scope == .shared ? "" : call.owner
        )
    }
}

// MARK: - Poll

extension BackgroundCallbacks {
    /// Answers a poll: immediately with an update, otherwise when one arrives or the poll is released.
    func poll(_ call: CallbackCall, handle: String, page: String) async throws -> Response {
        guard let job = handles.read(handle, owner: call.owner, page: page) else {
            return Answers.notice(.forbidden, "This job belongs to another page.")
        }
        guard let first = try await manager.update(of: job, after: .max) else { return Self.unknownJob }
        guard first.name == call.jobName, first.owner == call.owner, first.page == page else {
            return Answers.notice(.forbidden, "This job belongs to another callback.")
        }
        let cursor = PollCursor(first.delivery, number: call.query.number)
        guard let news = try await dueNews(of: job, cursor: cursor, call) else { return Self.unknownJob }
        return try await answer(news, cursor: cursor, call, page: page)
    }

    /// Waits until there is something to answer: an update, and for progress the end of the callback's interval.
    ///
    /// - Returns: The update, which is empty when the poll was released; nil for an unknown job.
    private func dueNews(of job: JobID, cursor: PollCursor, _ call: CallbackCall) async throws -> JobUpdate? {
        guard var news = try await manager.update(of: job, after: cursor.known) else { return nil }
        if case .wait = PollDecision(news) {
            // Changes without content, such as a failed attempt, must not answer the poll again.
            let seen = max(cursor.known, news.sequence)
            await hold(call, atMost: nil) { [manager] in _ = try? await manager.nextUpdate(of: job, after: seen) }
            guard let later = try await manager.update(of: job, after: cursor.known) else { return nil }
            news = later
        }
        guard !cursor.isRetry,
            let wait = try await pace.wait(before: news, interval: call.callback.background?.interval)
        else { return news }
        let sequence = news.sequence
        await hold(call, atMost: wait) { await untilUrgent(job, after: sequence) }
        return try await manager.update(of: job, after: cursor.known)
    }

    private func hold(_ call: CallbackCall, atMost limit: Duration?, until: @escaping @Sendable () async -> Void) async
    {
        let session = call.visitor?.session ?? call.owner
        await polls.hold(session: session, connection: call.connection, atMost: limit, until: until)
    }

    /// Waits until a job has more than progress to deliver.
    private func untilUrgent(_ job: JobID, after sequence: Int) async {
        var known = sequence
        while let news = try? await manager.nextUpdate(of: job, after: known), ProgressPace.mayWait(news),
            !Task.isCancelled
        {
            known = news.sequence
        }
    }

    /// - Parameter beginning: What the first response contains besides the update.
    private func answer(
        _ news: JobUpdate,
        cursor: PollCursor,
        _ call: CallbackCall,
        page: String,
        beginning: CallbackResponse = CallbackResponse()
    ) async throws -> Response {
        var answer = beginning
        switch PollDecision(news) {
        case .wait: break
        case .updates(let progress, let props):
            answer.progress = progress.compactMap(PropertyUpdate.init)
            answer.sideUpdate = props.compactMap(PropertyUpdate.init)
            if !progress.isEmpty {
                try await pace.delivered(news.id, interval: call.callback.background?.interval)
            }
            try await manager.record(cursor.delivery(through: news.sequence), for: news.id)
        case .result, .ended, .failed: return try await finalAnswer(news, cursor: cursor, call, page: page)
        }
        return Answers.json(answer.bytes)
    }

    /// The response that ends the page's loop. Further polls get the same response while the job is kept.
    func finalAnswer(_ news: JobUpdate, cursor: PollCursor, _ call: CallbackCall, page: String) async throws -> Response
    {
        await running.forget(call.slot(page: page), news.id)
        switch PollDecision(news) {
        case .result(let result, let props):
            if !props.isEmpty { try await manager.record(cursor.delivery(through: news.sequence), for: news.id) }
            return try answer(result, props: props, call)
        case .failed(let failure):
            let context = try JobDetails(decoding: news.details).context
            return try await self.failure(failure, of: news.id, call, context: context)
        case .wait, .updates, .ended:
            return Answers.noContent
        }
    }

    /// The response with a result, resolved to the ids of this request.
    func answer(_ result: RawJSON, props: [PropertyValue], _ call: CallbackCall) throws -> Response {
        var answer = CallbackResponse()
        answer.sideUpdate = props.compactMap(PropertyUpdate.init)
        switch try CallbackOutcome(decoding: result) {
        case .updates(let updates):
            answer.response = try updates.resolved(for: call.callback, targets: call.request.targets)
        case .preventUpdate where props.isEmpty:
            return Answers.noContent
        case .preventUpdate:
            answer.response = []
        }
        return Answers.json(answer.bytes)
    }
}

// MARK: - Failure

extension BackgroundCallbacks {
    /// Renders a failed job: `onError` if set, otherwise an error that the page shows.
    ///
    /// A job's failure is rendered once and the response is kept: `onError` may send a mail, and a page may poll twice.
    ///
    /// - Parameters:
    ///   - job: The job; nil for a rejected start.
    ///   - context: The job's start context, if it was kept.
    func failure(
        _ failure: JobFailure,
        of job: JobID?,
        _ call: CallbackCall,
        context: RawJSON?
    ) async throws -> Response {
        let (kind, code) = (failure.kind, failure.code)
        let failure = CallbackFailure(kind: kind, code: code, message: failure.message, trace: failure.trace)
        guard let job else { return try await call.recover(from: failure, start: context, logger: logger) }
        let kept = try await sharedState.memoize("failure:\(job)", lifetime: keepFinished) { [logger] in
            try await KeptResponse(call.recover(from: failure, start: context, logger: logger)).bytes
        }
        return try KeptResponse(decoding: kept).response
    }
}
