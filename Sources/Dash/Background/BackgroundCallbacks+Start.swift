import Crypto
import DashJSON
import Hummingbird
import Jobs
import Logging

extension BackgroundCallbacks {
    /// Answers the first request of a run: from the cache, or with a job and what it has to tell within moments.
    func start(_ call: CallbackCall, page: String) async throws -> Response {
        let place = call.place(page: page)
        let job = JobID.new
        let start = RunningJobs.Start(place: place, job: job, order: call.query.order, cancels: call.cancelNames)
        do {
            // Before anything else: a second click, or a cancel, that comes while this one is started must find it.
            guard case .now(let old) = try await running.begin(start) else {
                logger.debug("A start came after what followed it", metadata: ["job": "\(call.jobName)"])
                return Answers.noContent
            }
            if let old { await cancel(old, reason: "superseded") }
            if let result = try await resultOrBegin(job, call, page: page) {
                await running.forget(place, job)
                return try answer(result, props: [], call)
            }
        } catch let error as JobsError {
            await running.forget(place, job)
            return try await failure(JobFailure(error), of: nil, call, context: nil)
        } catch {
            await running.forget(place, job)
            return try await call.recover(from: CallbackFailure(error), logger: logger)
        }
        // A job is started: where nobody can say whether it was replaced meanwhile, it goes on.
        if (try? await running.holds(start)) == false {
            await cancel(job, reason: "superseded or cancelled while it was started")
        }
        return try await firstAnswer(call, job: job, page: page)
    }

    /// Starts a job, unless there is a cached result.
    ///
    /// - Throws: `JobsError`, and what the closure of the cache's `by` throws.
    private func resultOrBegin(_ job: JobID, _ call: CallbackCall, page: String) async throws -> RawJSON? {
        var cache: CacheStore?
        if let policy = call.callback.background?.cache {
            let key = try await CacheKey(policy, call)
            if let result = try await manager.cachedResult(for: key) { return result }
            cache = CacheStore(key: key, expire: policy.expire, usesKept: true)
        }
        _ = try await manager.start(request(call, job: job, page: page, cache: cache))
        return nil
    }

    /// Waits a moment for the end, so that quick jobs need one request, and tells what there is.
    private func firstAnswer(_ call: CallbackCall, job: JobID, page: String) async throws -> Response {
        if firstWait > .zero { await waitForEnd(of: job) }
        guard let news = try await manager.news(of: job, after: 0) else { return Self.unknownJob }
        let cursor = PollCursor(nil, number: 0)
        switch PollDecision(news) {
        case .wait:
            return Answers.json(beginning(call, job: job, page: page).bytes)
        case .updates(let progress, let props):
            var answer = beginning(call, job: job, page: page)
            answer.progress = progress.compactMap(PropertyUpdate.init)
            answer.sideUpdate = props.compactMap(PropertyUpdate.init)
            try await pace.delivered(job, interval: call.callback.background?.interval)
            try await manager.record(cursor.delivery(through: news.sequence), for: job)
            return Answers.json(answer.bytes)
        case .result, .ended, .failed:
            return try await finalAnswer(news, cursor: cursor, call, page: page)
        }
    }

    /// Waits until the page can be told the end of a job, or the first wait is over.
    private func waitForEnd(of job: JobID) async {
        await withTaskGroup(of: Void.self) { group in
            let (manager, firstWait) = (manager, firstWait)
            group.addTask {
                var known = 0
                while let news = try? await manager.nextNews(of: job, after: known), !news.state.isEnding,
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

    /// What a page must know of a job that goes on.
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
            outputs: call.place(page: page).outputs,
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

    /// The other workers' task, with the values of the callback's inputs and states as its arguments.
    private func remote(_ call: CallbackCall) -> RemoteTask? {
        call.callback.background?.remote.map { remote in
            let arguments = call.request.bindings.map(\.argument)
            return RemoteTask(name: remote.name, queue: remote.queue, arguments: RawJSON(json: .array(arguments)))
        }
    }

    static let unknownJob = Answers.notice(
        .notFound,
        "This job is not known any more: its result was kept for a time only."
    )
}

extension JobState {
    /// Whether the page can be told the end.
    fileprivate var isEnding: Bool { isFinished || self == .cancelling }
}

extension Callback {
    /// Changes with the callback's name and with the types of its inputs and outputs: a job of another version cannot run.
    var version: String {
        SHA256.hash(data: Array("\(name)\0\(signature)".utf8)).prefix(8).map { String($0, radix: 16) }.joined(
            separator: "-"
        )
    }
}

extension JobFailure {
    /// A start that the manager refused.
    init(_ error: JobsError) {
        let isFull = error.code == .busy || error.code == .jobsPerOwner
        let kind: Kind = isFull ? .busy : error.code == .tooLarge ? .tooLarge : .storage
        self.init(kind: kind, code: error.code.description, message: error.message, trace: error.cause.map { "\($0)" })
    }
}

extension CacheKey {
    /// The key of a start: the job, the build of the program, the arguments that count, what the app's closure says, and
    /// the owner where results are not shared.
    ///
    /// - Throws: what the closure throws.
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
