import Foundation
import Hummingbird
import Jobs
import JobsSQLite
import Logging
import ServiceLifecycle

/// A site put together: the responder that answers its requests, and the services that must run for it.
///
/// All sites are put together here, from one configuration: one that is served, one in the router of another application,
/// and one in a test. They differ in their ``Dependencies`` only.
struct SiteAssembly: Sendable {
    let responder: SiteResponder
    let manager: any JobManager
    /// In the order in which they are started; they must end after the server.
    let services: [any Service]

    /// Puts a site together.
    ///
    /// - Throws: ``DashError``, `SuiteError` or what the queue throws, each with a sentence that says what to do.
    init(
        _ site: DashSite,
        _ configuration: SiteConfiguration,
        _ dependencies: Dependencies,
        logger: Logger
    ) throws {
        let setup = JobBackendSetup(site, configuration, restart: dependencies.restart, logger: logger)
        manager = try dependencies.makeManager(setup)
        let sharedState = try dependencies.makeSharedState(setup)
        let polls = HeldPolls(limits: dependencies.pollLimits, longestHold: dependencies.longestHold, sharedState: sharedState)
        let background = BackgroundCallbacks(
            manager: manager,
            sharedState: sharedState,
            handles: JobHandle(signer: dependencies.signer),
            polls: polls,
            logger: logger,
            firstWait: dependencies.firstWait,
            keepFinished: configuration.keepFinished
        )
        responder = try SiteResponder(site, configuration, dependencies, background, logger)
        services =
            dependencies.executorServices + [manager, sharedState, polls] + [responder.routes.hotReload].compactMap(\.self)
    }
}

// MARK: - Dependencies

extension SiteAssembly {
    /// What a site is given besides its configuration: where code runs, where jobs are kept, what signs.
    struct Dependencies: Sendable {
        /// Runs callbacks and other code of the app.
        var executor: any TaskExecutor
        /// What must run for the executor: started before the site's own services, and ended after them.
        var executorServices: [any Service] = []
        /// Makes what keeps jobs and has them run.
        var makeManager: @Sendable (JobBackendSetup) throws -> any JobManager
        /// Makes what the site's web servers share.
        var makeSharedState: @Sendable (JobBackendSetup) throws -> any SharedState = { _ in LocalSharedState() }
        /// Signs sessions, page loads and job handles.
        var signer: Signer
        /// Where the files of the component suites are looked for. With nil none are served, and none need be installed.
        var suites: SuiteSearch? = .current
        /// Where `dash-swift dev` writes how the build goes.
        var buildReport = ProcessInfo.processInfo.environment[BuildReport.variable]
        /// Why the supervisor started this process; nil for the first time.
        var restart: SupervisorState.RestartReason?
        /// What ended the server before this one.
        var trap: TrapReport?
        /// What pages may see of an error; nil for what the configuration says.
        var errors: ErrorDetail?
        /// How long the first request of a job waits for its result.
        var firstWait: Duration = .milliseconds(50)
        /// How many polls of one browser are held.
        var pollLimits = PollLimits()
        /// After this time a poll is answered without news.
        var longestHold: Duration = .seconds(20)
    }
}

extension SiteAssembly.Dependencies {
    /// Those of a server: threads for callbacks, and the site's queue, or worker processes and the data folder.
    ///
    /// - Throws: ``DashError`` for a data folder or a secret that cannot be used.
    static func serving(_ site: DashSite, _ configuration: SiteConfiguration) throws -> Self {
        let environment = ProcessInfo.processInfo.environment
        let folder = DataFolder(
            dataDir: configuration.dataDir,
            executable: CommandLine.executablePath,
            environment: environment
        )
        let secret: [UInt8]
        if site.jobs?.isShared == true {
            secret = try SiteSecret.shared(environment: environment)
        } else {
            try folder.create()
            secret = try SiteSecret.load(folder: folder, environment: environment)
        }
        let executor = CallbackExecutor()
        return Self(
            executor: executor,
            executorServices: [executor],
            makeManager: { setup in
                if let backend = site.jobs { return try backend.makeManager(setup) }
                return EmbeddedJobManager.sqlite(
                    folder: folder.path,
                    executor: WorkerPool(setup.pool, logger: setup.logger),
                    configuration: setup.configuration,
                    logger: setup.logger
                )
            },
            makeSharedState: { setup in try site.jobs?.makeSharedState(setup) ?? LocalSharedState() },
            signer: Signer(secret: secret)
        )
    }
}

// MARK: - Jobs

extension JobBackendSetup {
    /// What a manager or a worker needs of a site.
    ///
    /// - Parameter restart: Why the supervisor started this process; nil for the first time.
    init(
        _ site: DashSite,
        _ configuration: SiteConfiguration,
        restart: SupervisorState.RestartReason? = nil,
        logger: Logger
    ) {
        var manager = JobManagerConfiguration()
        manager.queueLimit = configuration.queueLimit
        manager.jobsPerOwner = configuration.jobsPerOwner
        manager.keepFinished = configuration.keepFinished
        manager.largestBody = configuration.largestBody
        manager.restart = restart == .trap ? .afterTrap : .fresh
        manager.currentVersion = { site.backgroundCallback(ofJob: $0)?.version }
        self.init(
            configuration: manager,
            pool: WorkerPoolConfiguration(configuration),
            jobs: site.jobDefinitions,
            codec: SiteJobCodec(site: site),
            logger: logger
        )
    }
}

extension WorkerPoolConfiguration {
    fileprivate init(_ configuration: SiteConfiguration) {
        self.init()
        if let workers = configuration.workers {
            self.workers = workers
            warm = min(warm, workers)
        }
        cancelGrace = configuration.cancelGrace
        shutdownGrace = configuration.shutdownGrace
        environment[LaunchID.environmentVariable] = LaunchID.current
    }
}

// MARK: - Routes

extension SiteResponder {
    /// The apps with their files, and the routes with what they need.
    ///
    /// - Throws: `SuiteError` when component suites are not installed, ``DashError`` for an invalid path prefix.
    fileprivate init(
        _ site: DashSite,
        _ configuration: SiteConfiguration,
        _ dependencies: SiteAssembly.Dependencies,
        _ background: BackgroundCallbacks,
        _ logger: Logger
    ) throws {
        guard let prefix = MountPath.normalized(configuration.pathPrefix) else {
            throw DashError(
                .option,
                "Invalid path prefix “\(configuration.pathPrefix)”. Use a path such as /tools/."
            )
        }
        let contents = site.contents
        let apps = try contents.mounts.map { mount in
            ServedApp(mount, pathPrefix: prefix, suites: try dependencies.files(of: mount.app))
        }
        self.init(
            apps: apps.sorted { $0.path.utf8.count > $1.path.utf8.count },
            pages: contents.pages,
            pathPrefix: prefix,
            healthPath: configuration.healthPath,
            routes: AppRoutes(configuration, dependencies, background, apps, logger),
            silenceRoutesLogging: configuration.devTools.silenceRoutesLogging,
            logger: logger
        )
    }
}

extension AppRoutes {
    fileprivate init(
        _ configuration: SiteConfiguration,
        _ dependencies: SiteAssembly.Dependencies,
        _ background: BackgroundCallbacks,
        _ apps: [ServedApp],
        _ logger: Logger
    ) {
        let tools = dependencies.tools(configuration)
        let sessions = Sessions(signer: dependencies.signer)
        self.init(
            sessions: sessions,
            callbacks: CallbackRoute(
                sessions: sessions,
                origins: OriginCheck(
                    allowedOrigins: configuration.allowedOrigins,
                    trustsForwardedHeaders: configuration.trustsForwardedHeaders
                ),
                background: background,
                executor: dependencies.executor,
                largestBody: configuration.largestBody,
                deepestJSON: configuration.deepestJSON,
                largestInputCount: configuration.largestInputCount,
                tools: tools,
                logger: logger
            ),
            trustsForwardedHeaders: configuration.trustsForwardedHeaders,
            tools: tools,
            hotReload: dependencies.hotReload(of: apps, tools)
        )
    }
}

extension SiteAssembly.Dependencies {
    /// The files of an app's suites, which must be installed.
    fileprivate func files(of app: DashApp) throws -> SuiteFiles {
        let lock = SuiteLock(manifests: app.suites)
        guard let suites else { return SuiteFiles(withoutFilesOf: app.suites, lock: lock) }
        return try SuiteFiles(folder: .locate(lock, search: suites), suites: app.suites)
    }

    fileprivate func tools(_ configuration: SiteConfiguration) -> ActiveDevTools {
        var tools = ActiveDevTools(configuration)
        tools.errors = errors ?? tools.errors
        return tools
    }

    fileprivate func hotReload(of apps: [ServedApp], _ tools: ActiveDevTools) -> HotReload? {
        guard let options = tools.hotReload else { return nil }
        return HotReload(
            apps.map(\.assets),
            watchInterval: options.watchInterval,
            reportFile: buildReport,
            trap: tools.errors == .number ? nil : trap
        )
    }
}
