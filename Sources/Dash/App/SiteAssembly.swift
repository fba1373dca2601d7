import Foundation
import Hummingbird
import Jobs
import JobsSQLite
import Logging
import ServiceLifecycle

/// An assembled site: the responder that answers its requests, and the services that must run for it.
///
/// Served sites, sites in another application's router and sites in tests are assembled here from one configuration.
/// They differ only in their ``Dependencies``.
struct SiteAssembly: Sendable {
    let responder: SiteResponder
    let manager: any JobManager
    /// In start order; they must stop after the server.
    let services: [any Service]

    /// Assembles a site.
    ///
    /// - Throws: ``DashError``, `SuiteError` or an error of the queue, each with a message that says what to do.
    init(_ site: DashSite, _ configuration: SiteConfiguration, _ dependencies: Dependencies, logger: Logger) throws {
        let setup = site.jobSetup(configuration, restart: dependencies.restart, logger: logger)
        manager = try dependencies.makeManager(setup)
        let sharedState = try dependencies.makeSharedState(setup)
        let (limits, longestHold) = (dependencies.pollLimits, dependencies.longestHold)
        let polls = HeldPolls(limits: limits, longestHold: longestHold, sharedState: sharedState)
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
            dependencies.executorServices + [manager, sharedState, polls]
            + [responder.routes.hotReload].compactMap(\.self)
    }
}

// MARK: - Dependencies

extension SiteAssembly {
    /// What a site needs besides its configuration: where code runs, where jobs are stored, and the signer.
    struct Dependencies: Sendable {
        /// Runs the app's code, such as callbacks.
        var executor: any TaskExecutor
        /// Services of the executor: started before the site's own services, and stopped after them.
        var executorServices: [any Service] = []
        var makeManager: @Sendable (JobBackendSetup) throws -> any JobManager
        /// Creates the state that the site's web servers share.
        var makeSharedState: @Sendable (JobBackendSetup) throws -> any SharedState = { _ in LocalSharedState() }
        /// Signs sessions, page loads and job handles.
        var signer: Signer
        /// Where to look for the files of the component suites. If nil, none are served, and none need to be installed.
        var suites: SuiteSearch? = .current
        /// The file in which `dash-swift dev` reports the build's progress.
        var buildReport = ProcessInfo.processInfo.environment[BuildReport.variable]
        /// Why the supervisor restarted this process; nil at the first start.
        var restart: SupervisorState.RestartReason?
        /// The trap that ended the previous server.
        var trap: TrapReport?
        /// The detail of errors shown to pages; nil follows the configuration.
        var errors: ErrorDetail?
        /// How long the first request of a job waits for its result.
        var firstWait: Duration = .milliseconds(50)
        /// How many polls of one browser are held.
        var pollLimits = PollLimits()
        /// How long a poll is held without an update.
        var longestHold: Duration = .seconds(20)
    }
}

extension SiteAssembly.Dependencies {
    /// The dependencies of a server: threads for callbacks, and the site's queue, or worker processes and the data
    /// folder.
    ///
    /// - Throws: ``DashError`` for an unusable data folder or secret.
    static func serving(_ site: DashSite, _ configuration: SiteConfiguration) throws -> Self {
        let environment = ProcessInfo.processInfo.environment
        let (dataDir, program) = (configuration.dataDir, CommandLine.executablePath)
        let folder = DataFolder(dataDir: dataDir, executable: program, environment: environment)
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

extension DashSite {
    /// The setup of a manager or a worker.
    ///
    /// - Parameter restart: Why the supervisor restarted this process; nil at the first start.
    func jobSetup(
        _ configuration: SiteConfiguration,
        restart: SupervisorState.RestartReason? = nil,
        logger: Logger
    ) -> JobBackendSetup {
        var manager = JobManagerConfiguration()
        manager.queueLimit = configuration.queueLimit
        manager.jobsPerOwner = configuration.jobsPerOwner
        manager.keepFinished = configuration.keepFinished
        manager.largestBody = configuration.largestBody
        manager.restart = restart == .trap ? .afterTrap : .fresh
        manager.currentVersion = { self.backgroundCallback(ofJob: $0)?.version }
        return JobBackendSetup(
            configuration: manager,
            pool: Self.pool(configuration),
            jobs: jobDefinitions,
            codec: SiteJobCodec(site: self),
            logger: logger
        )
    }

    private static func pool(_ configuration: SiteConfiguration) -> WorkerPoolConfiguration {
        var pool = WorkerPoolConfiguration()
        if let workers = configuration.workers {
            pool.workers = workers
            pool.warm = min(pool.warm, workers)
        }
        pool.cancelGrace = configuration.cancelGrace
        pool.shutdownGrace = configuration.shutdownGrace
        pool.environment[LaunchID.environmentVariable] = LaunchID.current
        return pool
    }
}

// MARK: - Routes

extension SiteResponder {
    /// Creates the responder with the apps' files and routes.
    ///
    /// - Throws: `SuiteError` if component suites are not installed, ``DashError`` for an invalid path prefix.
    fileprivate init(
        _ site: DashSite,
        _ configuration: SiteConfiguration,
        _ dependencies: SiteAssembly.Dependencies,
        _ background: BackgroundCallbacks,
        _ logger: Logger
    ) throws {
        guard let prefix = MountPath.normalized(configuration.pathPrefix) else {
            throw DashError(.option, "Invalid path prefix “\(configuration.pathPrefix)”. Use a path such as /tools/.")
        }
        let contents = site.contents
        let apps = try contents.mounts.map { mount in
            ServedApp(mount, pathPrefix: prefix, suites: try mount.app.suiteFiles(in: dependencies.suites))
        }
        var tools = ActiveDevTools(configuration)
        tools.errors = dependencies.errors ?? tools.errors
        let callbacks = CallbackRoute(
            sessions: Sessions(signer: dependencies.signer),
            configuration: configuration,
            background: background,
            executor: dependencies.executor,
            tools: tools,
            logger: logger
        )
        self.init(
            apps: apps.sorted { $0.path.utf8.count > $1.path.utf8.count },
            pages: contents.pages,
            pathPrefix: prefix,
            routes: AppRoutes(callbacks: callbacks, hotReload: dependencies.hotReload(of: apps, tools))
        )
    }
}

extension SiteAssembly.Dependencies {
    fileprivate func hotReload(of apps: [ServedApp], _ tools: ActiveDevTools) -> HotReload? {
        guard let options = tools.hotReload else { return nil }
        return HotReload(
            apps.map(\.assets),
            watchInterval: options.hotReloadWatchInterval,
            reportFile: buildReport,
            trap: tools.errors == .number ? nil : trap
        )
    }
}
