import DashJSON
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// The routes of an app (dash-protocol §1).
struct AppRoutes: Sendable {
    let sessions: Sessions
    let callbacks: CallbackRoute
    let trustsForwardedHeaders: Bool
    let debug: Bool

    /// Answers a request below an app's path.
    ///
    /// - Parameter rest: what follows the app's path.
    func respond(
        to request: Request,
        rest: String,
        app: ServedApp,
        context: some RequestContext,
        connection: ConnectionWatch?
    ) async throws -> Response {
        switch request.method {
        case .post where rest == CallbackRoute.path:
            return try await callbacks.respond(to: request, app: app, connection: connection)
        case .get, .head:
            return try await read(request, rest, app, context, connection)
        default:
            return Answers.text(.methodNotAllowed, "\(request.method) is not answered here.")
        }
    }

    private func read(
        _ request: Request,
        _ rest: String,
        _ app: ServedApp,
        _ context: some RequestContext,
        _ connection: ConnectionWatch?
    ) async throws -> Response {
        switch rest {
        case "_dash-layout":
            let page = PageRequest(request, path: rest, from: connection)
            return Answers.json(try await app.layout(for: page, on: callbacks.executor))
        case "_dash-dependencies":
            return Answers.json(app.dependencies)
        case "_reload-hash":
            return Answers.json(Array(#"{"reloadHash":null,"hard":false,"packages":[],"files":[]}"#.utf8))
        case "_favicon.ico":
            return Answers.bytesAnswer(Favicon.bytes, type: "image/x-icon")
        case ClientScript.path:
            return ownScript(ClientScript.bytes)
        case ClientScript.pagesPath:
            return ownScript(ClientScript.pagesBytes)
        default:
            if let script = app.clientside.script(at: rest) { return ownScript(script) }
            if let file = try await file(request, rest, app, context) { return file }
            return await page(request, rest, app, connection)
        }
    }

    /// A script whose name changes with its content.
    private func ownScript(_ bytes: [UInt8]) -> Response {
        var response = Answers.bytesAnswer(bytes, type: ContentType.of(ClientScript.path))
        response.headers[.cacheControl] = "public, max-age=31536000, immutable"
        return response
    }

    /// A file of a suite or of the assets; nil for a path that is neither, which is a page's.
    private func file(
        _ request: Request,
        _ rest: String,
        _ app: ServedApp,
        _ context: some RequestContext
    ) async throws -> Response? {
        var answer: FileAnswer?
        if rest.hasPrefix("_dash-component-suites/") {
            let parts = rest.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            answer =
                parts.count == 3
                ? app.suites.file(package: String(parts[1]), path: String(parts[2])).map(FileAnswer.init) : nil
        } else if rest.hasPrefix("assets/") {
            let name = rest.dropFirst("assets/".count).removingPercentEncoding ?? ""
            answer = try await app.assets.file(named: name)
                .map { FileAnswer($0, path: app.assets.path + "/" + $0.name) }
        } else {
            return nil
        }
        guard let answer else { return Answers.text(.notFound, "There is no such file.") }
        return try await answer.respond(to: request.headers, context: context)
    }

    /// The index page, for the app's path and every path below it that is nothing else: routing is the page's own. Only who
    /// asks for a path that a page had once is sent on.
    private func page(
        _ request: Request,
        _ rest: String,
        _ app: ServedApp,
        _ connection: ConnectionWatch?
    ) async -> Response {
        let pages = app.app.pageRegistry
        if let page = pages.redirect(from: "/" + rest) {
            return Answers.moved(
                to: page.relativePath + (request.uri.query.map { "?\($0)" } ?? ""),
                status: .movedPermanently
            )
        }
        let asked = PageRequest(request, path: rest, from: connection)
        let origin = origin(of: request)
        // The app's own code makes layouts and titles.
        return await withTaskExecutorPreference(callbacks.executor) {
            index(
                request,
                app,
                await app.idCheck.check(of: app.app, for: asked),
                app.pageMeta(for: asked, origin: origin)
            )
        }
    }

    private func index(_ request: Request, _ app: ServedApp, _ check: IDCheck, _ meta: PageMeta?) -> Response {
        let known = sessions.session(cookieHeader: request.headers[.cookie])
        let new = known == nil ? sessions.newSession() : nil
        let session = known ?? new?.session ?? ""
        let endID = sessions.newPage(session: session)
        var response = Answers.html(app.index(endID: endID, debug: debug, check: check, meta: meta).html())
        response.headers[.cacheControl] = "no-store"
        if let new { response.headers[.setCookie] = cookie(new.cookie, request) }
        return response
    }

    /// Scheme and host of the request, as the browser knows them.
    private func origin(of request: Request) -> String {
        let (scheme, host) =
            trustsForwardedHeaders ? (request.headers[.forwardedProto], request.headers[.forwardedHost]) : (nil, nil)
        return "\(scheme ?? "http")://\(host ?? request.head.authority ?? "localhost")"
    }

    private func cookie(_ cookie: (name: String, value: String), _ request: Request) -> String {
        let isSecure = trustsForwardedHeaders && request.headers[.forwardedProto]?.lowercased() == "https"
        return "\(cookie.name)=\(cookie.value); Path=/; HttpOnly; SameSite=Lax\(isSecure ? "; Secure" : "")"
    }
}

extension PageRequest {
    /// The parts of a request that an app may know.
    ///
    /// - Parameters:
    ///   - path: the path below the app's own, without its first slash.
    ///   - connection: what the request came on.
    init(_ request: Request, path: String, from connection: ConnectionWatch?) {
        self.init(path: "/" + path + (request.uri.query.map { "?\($0)" } ?? ""), sent: request.headers)
        remoteAddress = connection?.address
    }
}
