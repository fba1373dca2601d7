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
        name = mount.appName
        path = mount.path
        requestsPrefix = String(pathPrefix.dropLast()) + mount.path
        self.suites = suites
        assets = mount.app.makeAssets()
        clientside = ClientsideScripts(mount.app.registry.callbacks + mount.app.registry.pageCallbacks)
        dependencies = app.registry.dependencies().serialized()
        fixedLayout = if case .value(let layout) = app.layoutSource { layout.jsonBytes() } else { nil }
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
            scripts: scripts(tools: tools, now, trap),
            favicon: now.folder.favicon.map(url) ?? requestsPrefix + "_favicon.ico?v=" + ClientScript.version,
            config: config.json
        )
    }

    /// Scripts in Dash's order, with the package's own before the renderer.
    private func scripts(tools: ActiveDevTools, _ now: LiveAssets.Now, _ trap: String?) -> [TagAttributes] {
        let own = [ClientScript.path] + (app.pageRegistry.isUsed ? [ClientScript.pagesPath] : [])
        var tags = suiteScripts(.dependencies, tools)
        tags += app.page.externalScripts
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

/// A request below an app's path.
struct AppRequest: Sendable {
    let app: ServedApp
    let request: Request
    /// The path relative to the app, without the first slash.
    let path: String
    let connection: ConnectionWatch?

    /// The parts that are visible to the app.
    var page: PageRequest {
        var page = PageRequest(path: "/" + path + query, sent: request.headers)
        page.remoteAddress = connection?.address
        return page
    }

    /// The query with its question mark; empty without one.
    var query: String { request.uri.query.map { "?\($0)" } ?? "" }
}

/// The routes of an app (docs/protocol.md, Routes).
struct AppRoutes: Sendable {
    let callbacks: CallbackRoute
    /// Reports changes to pages; nil if hot reload is off.
    let hotReload: HotReload?

    func respond(to asked: AppRequest, context: some RequestContext) async throws -> Response {
        switch asked.request.method {
        case .post where asked.path == CallbackRoute.path: try await callbacks.respond(to: asked)
        case .get, .head: try await read(asked, context)
        default: Answers.text(.methodNotAllowed, "\(asked.request.method) is not allowed here.")
        }
    }

    private func read(_ asked: AppRequest, _ context: some RequestContext) async throws -> Response {
        switch asked.path {
        case "_dash-layout":
            return Answers.json(try await asked.app.layout(for: asked.page, on: callbacks.executor))
        case "_dash-dependencies":
            return Answers.json(asked.app.dependencies)
        case "_reload-hash":
            return reloadHash(asked)
        case "_favicon.ico":
            return Answers.bytesAnswer(Favicon.bytes, type: "image/x-icon")
        case ClientScript.path:
            return ownScript(ClientScript.bytes)
        case ClientScript.developmentPath where hotReload != nil:
            return ownScript(ClientScript.developmentBytes)
        case ClientScript.pagesPath:
            return ownScript(ClientScript.pagesBytes)
        default:
            if let script = asked.app.clientside.script(at: asked.path) { return ownScript(script) }
            if let file = try await file(asked, context) { return file }
            return await page(asked)
        }
    }

    /// The changes since the page was loaded; nothing if hot reload is off.
    private func reloadHash(_ asked: AppRequest) -> Response {
        let nothing = #"{"reloadHash":null,"hard":false,"packages":[],"files":[]}"#
        let seen = asked.request.uri.queryParameters["seen"].map(String.init)
        let answer = hotReload?.answer(for: asked.app, seen: seen, callbacks.tools.errors)
        var response = Answers.json(answer ?? Array(nothing.utf8))
        response.headers[.cacheControl] = "no-store"
        return response
    }

    /// A script whose name changes with its content.
    private func ownScript(_ bytes: [UInt8]) -> Response {
        var response = Answers.bytesAnswer(bytes, type: ContentType.of(ClientScript.path))
        response.headers[.cacheControl] = ServedFile.immutable
        return response
    }

    /// A file of a suite or of the assets; nil for a path of a page.
    private func file(_ asked: AppRequest, _ context: some RequestContext) async throws -> Response? {
        var file: ServedFile?
        if asked.path.hasPrefix("_dash-component-suites/") {
            let parts = asked.path.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            if parts.count == 3 { file = asked.app.suites.file(package: String(parts[1]), path: String(parts[2])) }
        } else if asked.path.hasPrefix("assets/") {
            let name = asked.path.dropFirst("assets/".count).removingPercentEncoding ?? ""
            let folder = asked.app.assets.now.folder
            file = try await folder.file(named: name).map { ServedFile($0, in: folder) }
        } else {
            return nil
        }
        guard let file else { return Answers.text(.notFound, "File not found.") }
        return try await file.respond(to: asked.request.headers, context: context)
    }

    /// The index page, for every other path, since routing is done in the page. Redirects from a former path of a page.
    private func page(_ asked: AppRequest) async -> Response {
        if let page = asked.app.app.pageRegistry.redirect(from: "/" + asked.path) {
            return Answers.moved(to: page.relativePath + asked.query, status: .movedPermanently)
        }
        let (app, page, origin) = (asked.app, asked.page, origin(of: asked.request))
        // Layouts and titles are made by the app's code.
        return await withTaskExecutorPreference(callbacks.executor) {
            index(asked, await app.idCheck.check(of: app.app, for: page), app.pageMeta(for: page, origin: origin))
        }
    }

    private func index(_ asked: AppRequest, _ check: IDCheck, _ meta: PageMeta?) -> Response {
        let sessions = callbacks.sessions
        let known = sessions.session(cookieHeader: asked.request.headers[.cookie])
        let new = known == nil ? sessions.newSession() : nil
        let endID = sessions.newPage(session: known ?? new?.session ?? "")
        let (tools, trap) = (callbacks.tools, hotReload?.trapID)
        let page = asked.app.index(endID: endID, tools: tools, trap: trap, check: check, meta: meta)
        var response = Answers.html(page.html())
        response.headers[.cacheControl] = "no-store"
        if let new { response.headers[.setCookie] = cookie(new.cookie, asked.request) }
        return response
    }

    private var trustsForwardedHeaders: Bool { callbacks.configuration.trustsForwardedHeaders }

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
