import DashJSON
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// A mounted app with everything that is prepared before the first request.
struct ServedApp: Sendable {
    let app: DashApp
    /// The first part of its job names.
    let name: String
    /// The mount path, with a slash at both ends.
    let path: String
    /// The mount path in the browser, behind a proxy that adds a prefix.
    let requestsPrefix: String
    let suites: SuiteFiles
    let assets: LiveAssets
    let clientside: ClientsideScripts
    let dependencies: [UInt8]
    let idCheck = KeptIDCheck()
    /// The encoded layout if it is a value; nil if it is a function.
    private let fixedLayout: [UInt8]?

    /// - Parameters:
    ///   - mount: The app and its path.
    ///   - pathPrefix: The prefix that a proxy adds; `/` for none.
    ///   - suites: The files of its component suites.
    init(_ mount: DashSite.Mount, pathPrefix: String, suites: SuiteFiles) {
        app = mount.app
        app.pageRegistry.place.settle(path: mount.path, prefix: pathPrefix.dropLast() + mount.path)
        name = mount.app.name ?? MountPath.name(of: mount.path)
        path = mount.path
        requestsPrefix = String(pathPrefix.dropLast()) + mount.path
        self.suites = suites
        assets = mount.app.makeAssets()
        clientside = ClientsideScripts(mount.app.registry.callbacks + mount.app.registry.pageCallbacks)
        dependencies = app.registry.dependencies().serialized()
        if case .value(let layout) = app.layoutSource {
            fixedLayout = layout.jsonBytes()
        } else {
            fixedLayout = nil
        }
    }

    /// The layout for one page load.
    ///
    /// - Parameter executor: Runs the app's function.
    /// - Throws: What the app's function throws.
    func layout(for request: PageRequest, on executor: any TaskExecutor) async throws -> [UInt8] {
        if let fixedLayout { return fixedLayout }
        guard case .function(let make) = app.layoutSource else { return JSON.null.serialized() }
        return try await withTaskExecutorPreference(executor) { try await make(request).jsonBytes() }
    }

    /// The index page for one page load.
    ///
    /// - Parameters:
    ///   - endID: The token of this page load.
    ///   - tools: The enabled developer tools.
    ///   - trap: The trap that is already reported to the page.
    ///   - check: The ids that the browser validates.
    ///   - meta: The metadata of the requested page; nil for an app without pages.
    func index(endID: String, tools: ActiveDevTools, trap: String?, check: IDCheck, meta: PageMeta?) -> IndexPage {
        let page = app.page
        let now = assets.now
        let config = IndexConfig(
            requestsPrefix: requestsPrefix,
            tools: tools,
            updateTitle: app.updateTitle,
            check: check,
            childrenProps: suites.childrenProps,
            endID: endID,
            page: page
        )
        return IndexPage(
            title: meta?.title ?? app.title,
            options: page,
            pageTags: page.includesPageMeta ? meta?.tags ?? [] : [],
            stylesheets: (suites.styles(prefix: requestsPrefix) + now.folder.stylesheets.map(url))
                .map(TagAttributes.init(address:)),
            scripts: scripts(tools: tools, now, trap, external: page.externalScripts),
            favicon: now.folder.favicon.map(url) ?? requestsPrefix + "_favicon.ico?v=" + ClientScript.version,
            config: config.json
        )
    }

    /// Scripts in Dash's order, with the package's own before the renderer.
    private func scripts(
        tools: ActiveDevTools,
        _ now: LiveAssets.Now,
        _ trap: String?,
        external: [TagAttributes]
    ) -> [TagAttributes] {
        let own = [ClientScript.path] + (app.pageRegistry.isUsed ? [ClientScript.pagesPath] : [])
        var tags = suiteScripts(.dependencies, tools)
        tags += external
        tags += suiteScripts(.suite, tools)
        tags += now.folder.scripts.map { TagAttributes(address: url($0)) }
        tags += own.map { TagAttributes(address: requestsPrefix + $0) }
        if tools.hotReload != nil {
            tags.append(ClientScript.development(prefix: requestsPrefix, hash: now.hash, trap: trap))
        }
        tags += suiteScripts(.core, tools)
        tags += clientside.paths.map { TagAttributes(address: requestsPrefix + $0) }
        return tags
    }

    private func suiteScripts(_ place: SuiteManifest.Place, _ tools: ActiveDevTools) -> [TagAttributes] {
        // React's development build does the properties check.
        let development = place == .dependencies ? tools.propsCheck : tools.serveDevBundles
        return suites.scripts(place, prefix: requestsPrefix, development: development).map(TagAttributes.init(address:))
    }

    private func url(_ file: AssetsFolder.File) -> String { "\(assetURL(file.name))?m=\(file.modified)" }

    /// The URL of an asset, without its modification time.
    func assetURL(_ name: String) -> String {
        // A name may contain reserved characters.
        "\(requestsPrefix)assets/\(name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? name)"
    }
}

/// The routes of an app (docs/protocol.md, Routes).
struct AppRoutes: Sendable {
    let sessions: Sessions
    let callbacks: CallbackRoute
    let trustsForwardedHeaders: Bool
    let tools: ActiveDevTools
    /// Reports changes to pages; nil if hot reload is off.
    let hotReload: HotReload?

    /// Responds to a request below an app's path.
    ///
    /// - Parameter rest: The path relative to the app.
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
            return Answers.text(.methodNotAllowed, "\(request.method) is not allowed here.")
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
            return reloadHash(request, app)
        case "_favicon.ico":
            return Answers.bytesAnswer(Favicon.bytes, type: "image/x-icon")
        case ClientScript.path:
            return ownScript(ClientScript.bytes)
        case ClientScript.developmentPath where hotReload != nil:
            return ownScript(ClientScript.developmentBytes)
        case ClientScript.pagesPath:
            return ownScript(ClientScript.pagesBytes)
        default:
            if let script = app.clientside.script(at: rest) { return ownScript(script) }
            if let file = try await file(request, rest, app, context) { return file }
            return await page(request, rest, app, connection)
        }
    }

    /// The changes since the page was loaded; nothing if hot reload is off.
    private func reloadHash(_ request: Request, _ app: ServedApp) -> Response {
        let nothing = #"{"reloadHash":null,"hard":false,"packages":[],"files":[]}"#
        let seen = request.uri.queryParameters["seen"].map(String.init)
        var response = Answers.json(hotReload?.answer(for: app, seen: seen, tools.errors) ?? Array(nothing.utf8))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// A script whose name changes with its content.
    private func ownScript(_ bytes: [UInt8]) -> Response {
        var response = Answers.bytesAnswer(bytes, type: ContentType.of(ClientScript.path))
        response.headers[.cacheControl] = "public, max-age=31536000, immutable"
        return response
    }

    /// A file of a suite or of the assets; nil for a path of a page.
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
            let folder = app.assets.now.folder
            answer = try await folder.file(named: name).map { FileAnswer($0, path: folder.path + "/" + $0.name) }
        } else {
            return nil
        }
        guard let answer else { return Answers.text(.notFound, "There is no such file.") }
        return try await answer.respond(to: request.headers, context: context)
    }

    /// The index page, for every other path, since routing is done in the page. Redirects from a former path of a page.
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
        // Layouts and titles are made by the app's code.
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
        let page = app.index(endID: endID, tools: tools, trap: hotReload?.trapID, check: check, meta: meta)
        var response = Answers.html(page.html())
        response.headers[.cacheControl] = "no-store"
        if let new { response.headers[.setCookie] = cookie(new.cookie, request) }
        return response
    }

    /// Scheme and host of the request, as seen by the browser.
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
    /// The parts of a request that are visible to an app.
    ///
    /// - Parameters:
    ///   - path: The path relative to the app, without the first slash.
    ///   - connection: The connection of the request.
    init(_ request: Request, path: String, from connection: ConnectionWatch?) {
        self.init(path: "/" + path + (request.uri.query.map { "?\($0)" } ?? ""), sent: request.headers)
        remoteAddress = connection?.address
    }
}
