import DashJSON
import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore

/// `_dash-update-component`: checks a request, finds its callback, and has it answered (dash-protocol §6).
struct CallbackRoute: Sendable {
    let sessions: Sessions
    let origins: OriginCheck
    let background: BackgroundCallbacks
    let executor: any TaskExecutor
    let largestBody: Int
    let deepestJSON: Int
    let largestInputCount: Int
    let tools: ActiveDevTools
    let logger: Logger

    /// The path below an app's.
    static let path = "_dash-update-component"

    /// Answers one request. Whatever is wrong with it, the answer is no redirect, no 400 or 401 (the renderer shows
    /// nothing for these) and no success.
    func respond(to request: Request, app: ServedApp, connection: ConnectionWatch?) async throws -> Response {
        guard origins.accepts(request.headers, host: request.head.authority) else {
            return Answers.text(
                .forbidden,
                "Requests from pages of other sites are refused. If this page is the site's own behind a proxy, set "
                    + "trustsForwardedHeaders, or name its origin in allowedOrigins."
            )
        }
        guard request.headers[.contentType]?.lowercased().hasPrefix(Answers.jsonType) == true else {
            return Answers.text(.unsupportedMediaType, "Callbacks take application/json.")
        }
        let body = try await json(of: request)
        guard body.idCount <= largestInputCount else {
            throw HTTPError(.contentTooLarge, message: "The request names more than \(largestInputCount) properties.")
        }
        guard let callback = body["output"].stringValue.flatMap({ app.app.registry.callback(for: $0) }) else {
            return Answers.text(
                .internalServerError,
                "This app has no callback for the output \(body["output"].text.prefix(200)). "
                    + "Perhaps the page was loaded from another version of the app; reload it."
            )
        }
        let call = try await call(callback, body, request, app, connection)
        let areNamedTold = await background.cancelNamedJobs(of: call)
        do {
            return try await answer(call, app, areNamedTold: areNamedTold)
        } catch {
            if error is HTTPError { throw error }
            // What an onError throws, for one.
            return FailureAnswer(CallbackFailure(error), of: callback)
                .respond(tools.errors, logger: logger, callback: call.jobName)
        }
    }

    /// A click on cancel is not said to be done when it was not: the job goes on, and its page should know.
    private func cancel(_ call: CallbackCall, _ app: ServedApp, areNamedTold: Bool) async -> Response {
        let areOthersTold = await background.cancelJobs(waitingFor: call, among: app.app.registry.callbacks)
        guard areNamedTold && areOthersTold else {
            let sentence = "The job could not be cancelled just now. Try again in a moment."
            return Answers.notice(.serviceUnavailable, sentence)
        }
        return Answers.json(CallbackResponse(response: []).bytes)
    }

    private func answer(_ call: CallbackCall, _ app: ServedApp, areNamedTold: Bool) async throws -> Response {
        switch call.callback.kind {
        case .cancel: return await cancel(call, app, areNamedTold: areNamedTold)
        case .background: return try await background.respond(to: call)
        case .clientside:
            let sentence = "\(call.callback.id) is a callback of the browser; nothing runs here."
            return Answers.text(.internalServerError, sentence)
        case .regular:
            let began = ContinuousClock.now
            var response = try await run(call)
            call.reply.add(to: &response, timing: tools.ui ? .now - began : nil)
            return response
        }
    }

    private func json(of request: Request) async throws -> JSON {
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: largestBody)
        } catch is NIOTooManyBytesError {
            throw HTTPError(.contentTooLarge, message: "The request is larger than \(largestBody) bytes.")
        }
        do {
            return try buffer.withUnsafeReadableBytes { try JSON(parsing: $0, maximumDepth: deepestJSON) }
        } catch {
            throw HTTPError(.unprocessableContent, message: "The request's body is no JSON: \(error)")
        }
    }

    private func call(
        _ callback: Callback,
        _ body: JSON,
        _ request: Request,
        _ app: ServedApp,
        _ connection: ConnectionWatch?
    ) async throws -> CallbackCall {
        let query = JobQuery(request.uri.query)
        let visitor = sessions.visitor(cookieHeader: request.headers[.cookie], endID: query.endID)
        let page = PageRequest(request, path: Self.path, from: connection)
        let named = try await owner(of: page, app.app)
        return CallbackCall(
            app: app.name,
            callback: callback,
            request: try CallbackRequest(decoding: body, for: callback),
            page: page,
            visitor: visitor,
            owner: named.map { "user:\($0)" } ?? visitor.map { "session:\($0.session)" } ?? "",
            query: query,
            jobContext: app.app.jobContext,
            appOnError: app.app.errorHandler,
            connection: connection,
            executor: executor,
            tools: tools
        )
    }

    /// Whose request this is, where the app says so.
    ///
    /// - Throws: `HTTPError` with status 403 when the app's `identify` throws.
    private func owner(of request: PageRequest, _ app: DashApp) async throws -> String? {
        guard let identify = app.withSettings({ $0.identify }) else { return nil }
        do {
            return try await withTaskExecutorPreference(executor) { try await identify(request) }
        } catch {
            logger.notice("app.identify refused a request", metadata: ["error": "\(error)"])
            throw HTTPError(.forbidden, message: tools.errors != .number ? "\(error)" : "This request is refused.")
        }
    }

    /// Runs a regular callback on the callbacks' own threads.
    private func run(_ call: CallbackCall) async throws -> Response {
        let sent = SentProperties()
        let context = call.context(emit: sent.add)
        let values: [PropertyUpdate]?
        do {
            let outcome = try await withTaskExecutorPreference(executor) { try await call.callback.run(in: context) }
            values = try outcome.updates?.resolved(for: call.callback, targets: call.request.targets)
        } catch {
            return try await call.recover(from: CallbackFailure(error), logger: logger)
        }
        let side = sent.properties
        let isNothing = values == nil || call.callback.hasNoOutput
        if side.isEmpty && isNothing { return Answers.noContent }
        return Answers.json(CallbackResponse(response: values ?? [], sideUpdate: side).bytes)
    }
}

extension DashApp {
    fileprivate var errorHandler: (@Sendable (CallbackFailure) async throws -> Void)? {
        withSettings { $0.onError }
    }
}

extension JSON {
    /// How many ids a request names, the members of lists counted one by one.
    fileprivate var idCount: Int {
        ["inputs", "state", "outputs", "changedPropIds"].reduce(0) { count, key in
            (self[key].arrayValue ?? []).reduce(count) { $0 + ($1.arrayValue?.count ?? 1) }
        }
    }
}
