import Foundation
import Jobs
import JobsSQLite
import Logging
import ServiceLifecycle

/// What answers a site's requests, and what must run for that: the job manager, what is shared with other servers, and the
/// threads of callbacks.
struct SiteServices: Sendable {
    let responder: SiteResponder
    let manager: any JobManager
    let fleet: any JobFleet
    let polls: HeldPolls
    let executor: CallbackExecutor

    /// The services, in the order in which they are started; they must end after the server.
    var all: [any Service] {
        [executor, manager, fleet, polls] + [responder.routes.hotReload].compactMap(\.self)
    }

    /// Puts a site's parts together: with its queue, or with its jobs in the data folder.
    ///
    /// - Parameter restart: Why the supervisor started this process; nil for the first time.
    /// - Throws: ``DashError``, `SuiteError` or what the queue throws, each with a sentence that says what to do.
    init(_ parts: SiteParts, restart: SupervisorState.RestartReason? = nil) throws {
        guard let backend = parts.site.jobs else {
            try self.init(embeddedIn: parts, restart: restart)
            return
        }
        let setup = parts.backendSetup(restart)
        let environment = ProcessInfo.processInfo.environment
        let signer = Signer(
            secret: backend.isShared
                ? try SiteSecret.shared(environment: environment)
                : try SiteSecret.load(folder: parts.dataFolder(environment), environment: environment)
        )
        try self.init(
            parts,
            manager: backend.makeManager(setup),
            fleet: backend.makeFleet(setup) ?? LocalFleet(),
            signer: signer
        )
    }

    private init(embeddedIn parts: SiteParts, restart: SupervisorState.RestartReason?) throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = try parts.dataFolder(environment)
        let signer = Signer(secret: try SiteSecret.load(folder: folder, environment: environment))
        let manager = EmbeddedJobManager.sqlite(
            folder: folder.path,
            executor: WorkerPool(parts.poolConfiguration, logger: parts.logger),
            configuration: parts.managerConfiguration(restart),
            logger: parts.logger
        )
        try self.init(parts, manager: manager, fleet: LocalFleet(), signer: signer)
    }

    /// Puts a site's parts together with another manager.
    init(
        _ parts: SiteParts,
        manager: any JobManager,
        fleet: any JobFleet,
        signer: Signer,
        limits: PollLimits = PollLimits(),
        longestHold: Duration = .seconds(20),
        threadCount: Int = max(4, 2 * ProcessInfo.processInfo.activeProcessorCount)
    ) throws {
        executor = CallbackExecutor(threadCount: threadCount)
        polls = HeldPolls(limits: limits, longestHold: longestHold, fleet: fleet)
        self.manager = manager
        self.fleet = fleet
        responder = try parts.responder(
            manager: manager,
            fleet: fleet,
            signer: signer,
            polls: polls,
            executor: executor
        )
    }
}

extension SiteParts {
    /// What a queue is told of the site.
    func backendSetup(_ restart: SupervisorState.RestartReason? = nil) -> JobBackendSetup {
        JobBackendSetup(
            configuration: managerConfiguration(restart),
            pool: poolConfiguration,
            jobs: site.jobDefinitions,
            codec: SiteJobCodec(site: site),
            logger: logger
        )
    }

    fileprivate func dataFolder(_ environment: [String: String]) throws -> DataFolder {
        let folder = DataFolder(
            dataDir: configuration.dataDir,
            executable: CommandLine.executablePath,
            environment: environment
        )
        try folder.create()
        return folder
    }

    fileprivate var poolConfiguration: WorkerPoolConfiguration {
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

    func managerConfiguration(_ restart: SupervisorState.RestartReason?) -> JobManagerConfiguration {
        var manager = JobManagerConfiguration()
        manager.queueLimit = configuration.queueLimit
        manager.jobsPerOwner = configuration.jobsPerOwner
        manager.keepFinished = configuration.keepFinished
        manager.largestBody = configuration.largestBody
        manager.restart = restart == .trap ? .afterTrap : .fresh
        let site = site
        manager.currentVersion = { site.backgroundCallback(ofJob: $0)?.version }
        return manager
    }
}
