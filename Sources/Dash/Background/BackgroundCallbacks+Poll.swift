import DashJSON
import Hummingbird
import Jobs

extension BackgroundCallbacks {
    /// Answers a poll: at once when there is news, else when some comes or the poll is let go.
    func poll(_ call: CallbackCall, handle: String, page: String) async throws -> Response {
        guard let job = handles.read(handle, owner: call.owner, page: page) else {
            return Answers.notice(.forbidden, "This is no job of this page.")
        }
        guard let first = try await manager.news(of: job, after: .max) else { return Self.unknownJob }
        guard first.name == call.jobName, first.owner == call.owner, first.page == page else {
            return Answers.notice(.forbidden, "This is no job of this callback.")
        }
        let cursor = PollCursor(first.delivery, number: call.query.number)
        guard let news = try await dueNews(of: job, cursor: cursor, call) else { return Self.unknownJob }
        return try await answer(news, cursor: cursor, call, page: page)
    }

    /// Waits until there is something to answer: news, and for progress the end of the callback's interval.
    ///
    /// - Returns: the news, which may be none when the poll was let go; nil for a job that is not known any more.
    private func dueNews(of job: JobID, cursor: PollCursor, _ call: CallbackCall) async throws -> JobNews? {
        guard var news = try await manager.news(of: job, after: cursor.known) else { return nil }
        if case .wait = PollDecision(news) {
            // What was looked at is not waited for again: a failed attempt is a change with nothing to tell.
            let seen = max(cursor.known, news.sequence)
            await hold(call, atMost: nil) { [manager] in _ = try? await manager.nextNews(of: job, after: seen) }
            guard let later = try await manager.news(of: job, after: cursor.known) else { return nil }
            news = later
        }
        guard !cursor.isRetry,
            let wait = try await pace.wait(before: news, interval: call.callback.background?.interval)
        else { return news }
        let sequence = news.sequence
        await hold(call, atMost: wait) { await untilUrgent(job, after: sequence) }
        return try await manager.news(of: job, after: cursor.known)
    }

    private func hold(_ call: CallbackCall, atMost limit: Duration?, until: @escaping @Sendable () async -> Void) async
    {
        let session = call.visitor?.session ?? call.owner
        await polls.hold(session: session, connection: call.connection, atMost: limit, until: until)
    }

    /// Waits until a job has more to tell than progress.
    private func untilUrgent(_ job: JobID, after sequence: Int) async {
        var known = sequence
        while let news = try? await manager.nextNews(of: job, after: known), ProgressPace.mayWait(news),
            !Task.isCancelled
        {
            known = news.sequence
        }
    }

    private func answer(
        _ news: JobNews,
        cursor: PollCursor,
        _ call: CallbackCall,
        page: String
    ) async throws -> Response {
        switch PollDecision(news) {
        case .wait:
            return Answers.json(CallbackResponse().bytes)
        case .updates(let progress, let props):
            var answer = CallbackResponse()
            answer.progress = progress.compactMap(PropertyUpdate.init)
            answer.sideUpdate = props.compactMap(PropertyUpdate.init)
            if !progress.isEmpty {
                try await pace.delivered(news.id, interval: call.callback.background?.interval)
            }
            try await manager.record(cursor.delivery(through: news.sequence), for: news.id)
            return Answers.json(answer.bytes)
        case .result, .ended, .failed:
            return try await finalAnswer(news, cursor: cursor, call, page: page)
        }
    }

    /// The answer that ends the page's loop. It is the same for every further poll, for as long as the job is kept.
    func finalAnswer(_ news: JobNews, cursor: PollCursor, _ call: CallbackCall, page: String) async throws -> Response {
        await running.forget(call.place(page: page), news.id)
        switch PollDecision(news) {
        case .result(let result, let props):
            if !props.isEmpty { try await manager.record(cursor.delivery(through: news.sequence), for: news.id) }
            return try answer(result, props: props, call)
        case .failed(let failure):
            return try await self.failure(
                failure,
                of: news.id,
                call,
                context: JobDetails(decoding: news.details).context
            )
        case .wait, .updates, .ended:
            return Answers.noContent
        }
    }

    /// A result, put to the ids of this request.
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
