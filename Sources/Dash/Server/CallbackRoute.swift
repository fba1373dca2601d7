import DashJSON
import Foundation
import HTTPTypes
import Hummingbird
import Jobs
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization

/// `_dash-update-component`: validates a request, finds its callback and runs it (docs/protocol.md, Callback requests).
struct CallbackRoute: Sendable {
    let sessions: Sessions
    let configuration: SiteConfiguration
    let background: BackgroundCallbacks
    let executor: any TaskExecutor
    let tools: ActiveDevTools
    let logger: Logger

    /// The path relative to the app.
    static let path = "_dash-update-component"

    /// Responds to one request. An error is never a redirect, a success, or status 400 or 401, for which the renderer
    /// shows nothing.
    func respond(to asked: AppRequest) async throws -> Response {
        let request = asked.request
        guard OriginCheck(configuration).accepts(request.headers, host: request.head.authority) else {
            return Answers.text(
                .forbidden,
                "Requests from other sites are refused. If this page belongs to the site and is behind a proxy, set "
                    + "trustsForwardedHeaders, or add its origin to allowedOrigins."
            )
        }
        guard request.headers[.contentType]?.lowercased().hasPrefix(Answers.jsonType) == true else {
            return Answers.text(.unsupportedMediaType, "Send callback requests as application/json.")
        }
        let body = try await json(of: request)
        let most = configuration.largestInputCount
        guard Self.idCount(of: body) <= most else {
            throw HTTPError(.contentTooLarge, message: "The request names more than \(most) properties.")
        }
        let registry = asked.app.app.registry
        guard let callback = body["output"].stringValue.flatMap({ registry.callback(for: $0) }) else {
            return Answers.text(
                .internalServerError,
                "This app has no callback for the output \(body["output"].text.prefix(200)). "
                    + "The page may be from another version of the app. Reload it."
            )
        }
        let call = try await call(callback, body, asked)
        let namedCancelled = await background.cancelNamedJobs(of: call)
        do {
            return try await answer(call, registry, namedCancelled: namedCancelled)
        } catch {
            if error is HTTPError { throw error }
            // Includes what an onError throws.
            return FailureAnswer(CallbackFailure(error), of: callback)
                .respond(tools.errors, logger: logger, callback: call.jobName)
        }
    }

    /// The number of ids in a request; list members count individually.
    private static func idCount(of body: JSON) -> Int {
        ["inputs", "state", "outputs", "changedPropIds"].reduce(0) { count, key in
            (body[key].arrayValue ?? []).reduce(count) { $0 + ($1.arrayValue?.count ?? 1) }
        }
    }

    /// Reports a failed cancellation, as the job continues.
    private func cancel(_ call: CallbackCall, _ registry: CallbackRegistry, namedCancelled: Bool) async -> Response {
        let othersCancelled = await background.cancelJobs(waitingFor: call, among: registry.callbacks)
        guard namedCancelled && othersCancelled else {
            let sentence = "The job could not be cancelled. Try again in a moment."
            return Answers.notice(.serviceUnavailable, sentence)
        }
        return Answers.json(CallbackResponse(response: []).bytes)
    }

    private func answer(
        _ call: CallbackCall,
        _ registry: CallbackRegistry,
        namedCancelled: Bool
    ) async throws -> Response {
        switch call.callback.kind {
        case .cancel: return await cancel(call, registry, namedCancelled: namedCancelled)
        case .background: return try await background.respond(to: call)
        case .clientside:
            let sentence = "\(call.callback.id) is a clientside callback; it runs in the browser only."
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
            buffer = try await request.body.collect(upTo: configuration.largestBody)
        } catch is NIOTooManyBytesError {
            throw HTTPError(.contentTooLarge, message: "The request is larger than \(configuration.largestBody) bytes.")
        }
        do {
            return try buffer.withUnsafeReadableBytes { try JSON(parsing: $0, maximumDepth: configuration.deepestJSON) }
        } catch {
            throw HTTPError(.unprocessableContent, message: "The request's body is not valid JSON: \(error)")
        }
    }

    private func call(_ callback: Callback, _ body: JSON, _ asked: AppRequest) async throws -> CallbackCall {
        let query = JobQuery(asked.request.uri.query)
        let visitor = sessions.visitor(cookieHeader: asked.request.headers[.cookie], endID: query.endID)
        let page = asked.page
        let settings = asked.app.app.withSettings { $0 }
        let named = try await owner(of: page, settings.identify)
        return CallbackCall(
            app: asked.app.name,
            callback: callback,
            request: try CallbackRequest(decoding: body, for: callback),
            page: page,
            visitor: visitor,
            owner: named.map { "user:\($0)" } ?? visitor.map { "session:\($0.session)" } ?? "",
            query: query,
            jobContext: settings.jobContext,
            appOnError: settings.onError,
            connection: asked.connection,
            executor: executor,
            tools: tools
        )
    }

    /// The owner of a request as returned by the app's `identify`; nil if it is not set.
    ///
    /// - Throws: `HTTPError` with status 403 if `identify` throws.
    private func owner(
        of request: PageRequest,
        _ identify: (@Sendable (PageRequest) async throws -> String?)?
    ) async throws -> String? {
        guard let identify else { return nil }
        do {
            return try await withTaskExecutorPreference(executor) { try await identify(request) }
        } catch {
            logger.notice("app.identify refused a request", metadata: ["error": "\(error)"])
            throw HTTPError(.forbidden, message: tools.errors != .number ? "\(error)" : "The app refused this request.")
        }
    }

    /// Runs a regular callback on the callback threads.
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

/// Runs regular callbacks and other code of the app on dedicated threads.
///
/// Callbacks may block: read files, query a database, compute. On Swift's global pool that would delay every poll and
/// request.
final class CallbackExecutor: TaskExecutor, Service {
    private let threads: NIOThreadPool

    /// - Parameter threadCount: The number of callbacks that can block at the same time without delaying others.
    init(threadCount: Int = max(4, 2 * ProcessInfo.processInfo.activeProcessorCount)) {
        threads = NIOThreadPool(numberOfThreads: threadCount)
        threads.start()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        threads.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Stops the threads when the services that need them have stopped. Later jobs run on the caller's thread.
    func run() async throws {
        try? await gracefulShutdown()
        try await threads.shutdownGracefully()
    }
}

/// Collects what a callback in the server sets by `setProps`, for the `sideUpdate` of its response.
final class SentProperties: Sendable {
    private let updates = Mutex<[PropertyUpdate]>([])

    /// Receives the callback's events; ignores progress, which regular callbacks do not have.
    var add: @Sendable (CallbackContext.Event) -> Void {
        { [self] event in
            if case .setProps(let properties) = event { updates.withLock { $0 += properties } }
        }
    }

    /// The properties set so far, in order.
    var properties: [PropertyUpdate] { updates.withLock { $0 } }
}

/// Responses of the routes. To the renderer, only the statuses 200 and 204 are success.
enum Answers {
    static let jsonType = "application/json"
    static let htmlType = "text/html; charset=utf-8"
    static let textType = "text/plain; charset=utf-8"

    /// 200 with encoded JSON.
    static func json(_ bytes: [UInt8]) -> Response { bytesAnswer(bytes, type: jsonType) }

    /// 200 with an HTML page.
    static func html(_ text: String) -> Response { bytesAnswer(Array(text.utf8), type: htmlType) }

    /// A response with bytes of a content type.
    static func bytesAnswer(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) -> Response {
        let body = ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        return Response(status: status, headers: [.contentType: type], body: body)
    }

    /// 204: no update, or the end of a background callback.
    static var noContent: Response { Response(status: .noContent) }

    static func text(_ status: HTTPResponse.Status, _ sentence: String) -> Response {
        bytesAnswer(Array(sentence.utf8), type: textType, status: status)
    }

    /// An error response with a sentence that the browser script shows.
    static func notice(_ status: HTTPResponse.Status, _ sentence: String) -> Response {
        var response = text(status, sentence)
        response.headers[.dashNotice] = sentence
        return response
    }

    /// A redirect; never sent to a request of the renderer.
    static func moved(to path: String, status: HTTPResponse.Status = .permanentRedirect) -> Response {
        Response(status: status, headers: [.location: path])
    }
}
