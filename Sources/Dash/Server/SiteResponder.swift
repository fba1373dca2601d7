import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Support

/// Finds the app and the route of a request. One table decides, so no route can be forgotten by a check (S12).
struct SiteResponder: Sendable {
    /// What is served, longest paths first.
    let apps: [ServedApp]
    let pages: [String: String]
    let pathPrefix: String
    let healthPath: String?
    let routes: AppRoutes
    /// Whether requests are left out of the log; else each has a line.
    let silenceRoutesLogging: Bool
    let logger: Logger

    /// Answers one request.
    ///
    /// - Parameter connection: tells when the browser is gone.
    func respond(to request: Request, context: some RequestContext, connection: ConnectionWatch?) async -> Response {
        if silenceRoutesLogging { return await answer(to: request, context: context, connection: connection) }
        let began = ContinuousClock.now
        let response = await answer(to: request, context: context, connection: connection)
        let took = Int((ContinuousClock.now - began) / .milliseconds(1))
        logger.info("\(request.method) \(request.uri.path) \(response.status.code) \(took) ms")
        return response
    }

    private func answer(
        to request: Request,
        context: some RequestContext,
        connection: ConnectionWatch?
    ) async -> Response {
        let path = strippingPrefix(request.uri.path)
        do {
            var response = try await route(request, path, context, connection)
            if request.method == .head { response = response.createHeadResponse() }
            return response
        } catch let error as HTTPError {
            return Answers.text(error.status, error.body ?? error.status.reasonPhrase)
        } catch {
            return FailureAnswer(CallbackFailure(error)).respond(routes.tools.errors, logger: logger, callback: path)
        }
    }

    private func route(
        _ request: Request,
        _ path: String,
        _ context: some RequestContext,
        _ connection: ConnectionWatch?
    ) async throws -> Response {
        let isRead = request.method == .get || request.method == .head
        if isRead, let healthPath, path == "/" + healthPath { return Answers.text(.ok, "OK") }
        if isRead, let page = pages[path] { return Answers.html(page) }
        if isRead, let folder = folder(without: path, request) { return Answers.moved(to: folder) }
        if isRead, path == "/_favicon.ico" { return Answers.bytesAnswer(Favicon.bytes, type: "image/x-icon") }
        if let app = apps.first(where: { path.hasPrefix($0.path) }) {
            let rest = String(path.dropFirst(app.path.count))
            return try await routes.respond(to: request, rest: rest, app: app, context: context, connection: connection)
        }
        return Answers.text(.notFound, "Nothing is served at \(path).")
    }

    /// The address, as the browser sees it, of something that is served at `path` and a slash; nil for any other path.
    private func folder(without path: String, _ request: Request) -> String? {
        // The prefix itself lacks the slash by which it would have been left out.
        let folder = path + "/" == pathPrefix ? "/" : path + "/"
        guard pages[folder] != nil || apps.contains(where: { $0.path == folder }) else { return nil }
        return String(pathPrefix.dropLast()) + folder + (request.uri.query.map { "?\($0)" } ?? "")
    }

    /// The path below the proxy's prefix, whether the proxy has stripped it or not.
    private func strippingPrefix(_ path: String) -> String {
        guard pathPrefix != "/", path.hasPrefix(pathPrefix) else { return path }
        return "/" + path.dropFirst(pathPrefix.count)
    }
}

/// The context of a request in our own server: what Hummingbird needs, and the connection it came on.
struct SiteRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Hands every request to the site; there is no router in between.
struct SiteHTTPResponder: HTTPResponder {
    let site: SiteResponder
    let watches: ConnectionWatches

    func respond(to request: Request, context: SiteRequestContext) async throws -> Response {
        // Back on the connection's own loop after whatever ran elsewhere.
        await withTaskExecutorPreference(LoopExecutor(home: context.channel.eventLoop)) {
            await site.respond(to: request, context: context, connection: watches.watch(of: context.channel))
        }
    }
}
