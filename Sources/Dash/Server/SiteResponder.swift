import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Support

/// Routes requests to apps. All routes go through one table, so no check can miss one.
struct SiteResponder: Sendable {
    /// The served apps, longest paths first.
    let apps: [ServedApp]
    let pages: [String: String]
    let pathPrefix: String
    let routes: AppRoutes

    private var configuration: SiteConfiguration { routes.callbacks.configuration }
    var logger: Logger { routes.callbacks.logger }

    /// Responds to one request.
    ///
    /// - Parameter connection: Signals when the browser disconnects.
    func respond(to request: Request, context: some RequestContext, connection: ConnectionWatch?) async -> Response {
        let began = ContinuousClock.now
        let response = await answer(to: request, context, connection)
        if configuration.devTools.silenceRoutesLogging { return response }
        let took = Int((ContinuousClock.now - began) / .milliseconds(1))
        logger.info("\(request.method) \(request.uri.path) \(response.status.code) \(took) ms")
        return response
    }

    private func answer(
        to request: Request,
        _ context: some RequestContext,
        _ connection: ConnectionWatch?
    ) async -> Response {
        let path = strippingPrefix(request.uri.path)
        do {
            var response = try await route(request, path, context, connection)
            if request.method == .head { response = response.createHeadResponse() }
            return response
        } catch let error as HTTPError {
            return Answers.text(error.status, error.body ?? error.status.reasonPhrase)
        } catch {
            let detail = routes.callbacks.tools.errors
            return FailureAnswer(CallbackFailure(error)).respond(detail, logger: logger, callback: path)
        }
    }

    private func route(
        _ request: Request,
        _ path: String,
        _ context: some RequestContext,
        _ connection: ConnectionWatch?
    ) async throws -> Response {
        let isRead = request.method == .get || request.method == .head
        if isRead, let health = configuration.healthPath, path == "/" + health { return Answers.text(.ok, "OK") }
        if isRead, let page = pages[path] { return Answers.html(page) }
        if isRead, let folder = folder(without: path, request) { return Answers.moved(to: folder) }
        if isRead, path == "/_favicon.ico" { return Answers.bytesAnswer(Favicon.bytes, type: "image/x-icon") }
        if let app = apps.first(where: { path.hasPrefix($0.path) }) {
            let rest = String(path.dropFirst(app.path.count))
            let asked = AppRequest(app: app, request: request, path: rest, connection: connection)
            return try await routes.respond(to: asked, context: context)
        }
        return Answers.text(.notFound, "Nothing is served at \(path).")
    }

    /// The address in the browser of the resource at `path` with a slash appended; nil if there is none.
    private func folder(without path: String, _ request: Request) -> String? {
        // The prefix lacks the final slash, so it was not stripped.
        let folder = path + "/" == pathPrefix ? "/" : path + "/"
        guard pages[folder] != nil || apps.contains(where: { $0.path == folder }) else { return nil }
        return String(pathPrefix.dropLast()) + folder + (request.uri.query.map { "?\($0)" } ?? "")
    }

    /// The path without the proxy's prefix, whether or not the proxy has stripped it.
    private func strippingPrefix(_ path: String) -> String {
        guard pathPrefix != "/", path.hasPrefix(pathPrefix) else { return path }
        return "/" + path.dropFirst(pathPrefix.count)
    }
}

extension SiteResponder {
    /// Adds routes for each path of the site and everything below it.
    ///
    /// - Throws: ``DashError`` with code `mount`.
    func addRoutes<Context: RequestContext>(to router: Router<Context>) throws {
        let taken = Set(router.routes.map { "\($0.method) \($0.path)" })
        for path in routerPaths {
            for method in [HTTPRequest.Method.get, .head, .post] {
                guard !taken.contains("\(method) \(RouterPath(path))") else {
                    throw DashError(
                        .mount,
                        "The router already has a route for \(method) \(path). Remove it, or mount the app elsewhere."
                    )
                }
                router.on(RouterPath(path), method: method) { request, context in
                    await respond(to: request, context: context, connection: nil)
                }
            }
        }
    }

    /// The paths in the router's form, with and without the prefix: a proxy may strip it.
    private var routerPaths: [String] {
        let served = pages.keys + apps.flatMap { [$0.path, $0.path + "**"] }
        return Set(served + served.map { pathPrefix.dropLast() + $0 }).sorted()
    }
}

/// The context of a request in the package's own server: Hummingbird's storage, and the connection.
struct SiteRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }
}

/// Passes every request to the site, without a router.
struct SiteHTTPResponder: HTTPResponder {
    let site: SiteResponder
    let watches: ConnectionWatches

    func respond(to request: Request, context: SiteRequestContext) async throws -> Response {
        // Return to the connection's event loop after code that ran elsewhere.
        await withTaskExecutorPreference(LoopExecutor(home: context.channel.eventLoop)) {
            await site.respond(to: request, context: context, connection: watches.watch(of: context.channel))
        }
    }
}
