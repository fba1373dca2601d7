import Foundation
import Hummingbird
import Jobs
import Logging

/// Makes a site's responder: the apps with their files, and the routes with what they need.
struct SiteParts: Sendable {
    let site: DashSite
    let configuration: SiteConfiguration
    let logger: Logger
    /// Where the files of the component suites are looked for.
    var suites = SuiteSearch.current
    /// How long the first request of a job waits for its result.
    var firstWait: Duration = .milliseconds(50)
    /// What ended the server before this one.
    var trap: TrapReport?
    /// Where `dash-swift dev` tells how the build goes.
    var buildReport = ProcessInfo.processInfo.environment[BuildReport.variable]
    /// What pages may see of an error, where that is not as the configuration says.
    var errors: ErrorDetail?
    /// Whether files of the component suites are served. Without them none need be installed.
    var servesFiles = true

    /// - Throws: `SuiteError` when component suites are not installed, ``DashError`` for a path prefix that is none.
    func responder(
        manager: any JobManager,
        fleet: any JobFleet,
        signer: Signer,
        polls: HeldPolls,
        executor: any TaskExecutor
    ) throws -> SiteResponder {
        guard let prefix = MountPath.normalized(configuration.pathPrefix) else {
            throw DashError(
                .option,
                "The path prefix “\(configuration.pathPrefix)” is no path; write one like /tools/."
            )
        }
        let contents = site.contents
        let apps = try contents.mounts.map { mount in
            ServedApp(mount, pathPrefix: prefix, suites: try files(of: mount.app))
        }
        let sessions = Sessions(signer: signer)
        return SiteResponder(
            apps: apps.sorted { $0.path.utf8.count > $1.path.utf8.count },
            pages: contents.pages,
            pathPrefix: prefix,
            healthPath: configuration.healthPath,
            routes: AppRoutes(
                sessions: sessions,
                callbacks: callbackRoute(sessions, manager, fleet, signer, polls, executor),
                trustsForwardedHeaders: configuration.trustsForwardedHeaders,
                tools: tools,
                hotReload: hotReload(of: apps)
            ),
            silenceRoutesLogging: configuration.devTools.silenceRoutesLogging,
            logger: logger
        )
    }

    private func callbackRoute(
        _ sessions: Sessions,
        _ manager: any JobManager,
        _ fleet: any JobFleet,
        _ signer: Signer,
        _ polls: HeldPolls,
        _ executor: any TaskExecutor
    ) -> CallbackRoute {
        CallbackRoute(
            sessions: sessions,
            origins: OriginCheck(
                allowedOrigins: configuration.allowedOrigins,
                trustsForwardedHeaders: configuration.trustsForwardedHeaders
            ),
            background: BackgroundCallbacks(
                manager: manager,
                fleet: fleet,
                handles: JobHandle(signer: signer),
                polls: polls,
                logger: logger,
                firstWait: firstWait,
                keepFinished: configuration.keepFinished
            ),
            executor: executor,
            largestBody: configuration.largestBody,
            deepestJSON: configuration.deepestJSON,
            largestInputCount: configuration.largestInputCount,
            tools: tools,
            logger: logger
        )
    }

    private var tools: ActiveDevTools {
        var tools = ActiveDevTools(configuration)
        tools.errors = errors ?? tools.errors
        return tools
    }

    private func hotReload(of apps: [ServedApp]) -> HotReload? {
        guard let options = tools.hotReload else { return nil }
        let trap = tools.errors == .number ? nil : trap
        return HotReload(apps.map(\.assets), watchInterval: options.watchInterval, reportFile: buildReport, trap: trap)
    }

    /// The files of an app's suites, which must be installed.
    private func files(of app: DashApp) throws -> SuiteFiles {
        let lock = SuiteLock(manifests: app.suites)
        guard servesFiles else { return SuiteFiles(withoutFilesOf: app.suites, lock: lock) }
        return try SuiteFiles(folder: .locate(lock, search: suites), suites: app.suites)
    }
}

extension DashSite {
    /// The callback that a job's name stands for: the app's name, a slash, the callback's name.
    func backgroundCallback(ofJob name: String) -> Callback? {
        for mount in contents.mounts {
            let app = mount.appName
            guard name.hasPrefix(app + "/") else { continue }
            if let callback = mount.app.registry.backgroundCallback(named: String(name.dropFirst(app.count + 1))) {
                return callback
            }
        }
        return nil
    }
}
