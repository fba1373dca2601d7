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
    let assets: AssetsFolder
    let clientside: ClientsideScripts
    let dependencies: [UInt8]
    /// The layout where it is a value; nil for a function.
    private let fixedLayout: [UInt8]?

    /// - Parameters:
    ///   - mount: the app and its path.
    ///   - pathPrefix: the prefix that a proxy adds, `/` for none.
    ///   - suites: the files of its component suites.
    init(_ mount: DashSite.Mount, pathPrefix: String, suites: SuiteFiles) {
        app = mount.app
        name = mount.app.name ?? MountPath.name(of: mount.path)
        path = mount.path
        requestsPrefix = String(pathPrefix.dropLast()) + mount.path
        self.suites = suites
        assets = AssetsFolder(path: mount.app.assetsFolder, mount.app.assets)
        clientside = ClientsideScripts(mount.app.registry.callbacks)
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
    /// - Parameter endID: the token of this load.
    func index(endID: String, debug: Bool) -> IndexPage {
        let page = app.page
        let config = IndexConfig(
            requestsPrefix: requestsPrefix,
            debug: debug,
            updateTitle: app.updateTitle,
            suppressCallbackExceptions: app.suppressCallbackExceptions,
            childrenProps: suites.childrenProps,
            endID: endID,
            page: page
        )
        return IndexPage(
            title: app.title,
            options: page,
            stylesheets: (suites.styles(prefix: requestsPrefix) + assets.stylesheets.map(url))
                .map(TagAttributes.init(address:)),
            scripts: scripts(debug: debug, external: page.externalScripts),
            favicon: assets.favicon.map(url) ?? requestsPrefix + "_favicon.ico?v=" + ClientScript.version,
            config: config.json
        )
    }

    /// Dash's order, with our own script before the renderer.
    private func scripts(debug: Bool, external: [TagAttributes]) -> [TagAttributes] {
        let suite = { suites.scripts($0, prefix: requestsPrefix, development: debug) }
        let rest =
            suite(.suite) + assets.scripts.map(url) + [requestsPrefix + ClientScript.path] + suite(.core)
            + clientside.paths.map { requestsPrefix + $0 }
        return suite(.dependencies).map(TagAttributes.init(address:)) + external
            + rest.map(TagAttributes.init(address:))
    }

    private func url(_ file: AssetsFolder.File) -> String {
        // A name may hold what means something else in a URL.
        let name = file.name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? file.name
        return "\(requestsPrefix)assets/\(name)?m=\(file.modified)"
    }
}
