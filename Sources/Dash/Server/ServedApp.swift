import DashJSON
import Foundation

/// One mounted app with all that can be prepared before the first request.
struct ServedApp: Sendable {
    let app: DashApp
    /// The first part of its jobs' names.
    let name: String
    /// The path it is served at, with a slash at both ends.
    let path: String
    /// The same as the browser sees it, behind a proxy that adds a prefix.
    let requestsPrefix: String
    let suites: SuiteFiles
    let assets: LiveAssets
    let clientside: ClientsideScripts
    let dependencies: [UInt8]
    let idCheck = KeptIDCheck()
    /// The layout where it is a value; nil for a function.
    private let fixedLayout: [UInt8]?

    /// - Parameters:
    ///   - mount: the app and its path.
    ///   - pathPrefix: the prefix that a proxy adds, `/` for none.
    ///   - suites: the files of its component suites.
    init(_ mount: DashSite.Mount, pathPrefix: String, suites: SuiteFiles) {
        app = mount.app
        app.pageRegistry.place.settle(path: mount.path, prefix: pathPrefix.dropLast() + mount.path)
        name = mount.app.name ?? MountPath.name(of: mount.path)
        path = mount.path
        requestsPrefix = String(pathPrefix.dropLast()) + mount.path
        self.suites = suites
        assets = LiveAssets(path: mount.app.assetsFolder, mount.app.assets)
        clientside = ClientsideScripts(mount.app.registry.callbacks + mount.app.registry.pageCallbacks)
        dependencies = app.registry.dependencies().serialized()
        if case .value(let layout) = app.layoutSource {
            fixedLayout = layout.jsonBytes()
        } else {
            fixedLayout = nil
        }
    }

    /// The layout for one load of the page.
    ///
    /// - Parameter executor: where the app's function runs.
    /// - Throws: what the app's function throws.
    func layout(for request: PageRequest, on executor: any TaskExecutor) async throws -> [UInt8] {
        if let fixedLayout { return fixedLayout }
        guard case .function(let make) = app.layoutSource else { return JSON.null.serialized() }
        return try await withTaskExecutorPreference(executor) { try await make(request).jsonBytes() }
    }

    /// The index page for one load.
    ///
    /// - Parameters:
    ///   - endID: The token of this load.
    ///   - tools: The developer's tools that are on.
    ///   - trap: The trap that the page need not tell of any more.
    ///   - check: What the browser checks ids against.
    ///   - meta: What is said of the page that was asked for; nil for an app without pages.
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

    /// Dash's order, with our own script before the renderer.
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
        // React's own development build is what checks properties.
        let development = place == .dependencies ? tools.propsCheck : tools.serveDevBundles
        return suites.scripts(place, prefix: requestsPrefix, development: development).map(TagAttributes.init(address:))
    }

    private func url(_ file: AssetsFolder.File) -> String { "\(assetURL(file.name))?m=\(file.modified)" }

    /// The address of a file of the assets, without the time of its last change.
    func assetURL(_ name: String) -> String {
        // A name may hold what means something else in a URL.
        "\(requestsPrefix)assets/\(name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? name)"
    }
}
