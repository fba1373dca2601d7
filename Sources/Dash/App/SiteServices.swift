import Foundation
import Jobs
import JobsSQLite
import Logging
import ServiceLifecycle

/// What answers a site's requests, and what must run for that: the job manager with its workers, and the threads of
/// callbacks.
struct SiteServices: Sendable {
    let responder: SiteResponder
    let manager: any JobManager
    let executor: CallbackExecutor

    /// The services, in the order in which they are started; they must end after the server.
    var all: [any Service] { [executor, manager] }

    /// Puts a site's parts together, with its jobs in the data folder.
    ///
    /// - Parameter restart: Why the supervisor started this process; nil for the first time.
    /// - Throws: ``DashError`` or `SuiteError`, each with a sentence that says what to do.
    init(_ parts: SiteParts, restart: SupervisorState.RestartReason? = nil) throws {
        let environment = ProcessInfo.processInfo.environment
        let folder = DataFolder(
            given: parts.configuration.dataFolder,
            executable: CommandLine.executablePath,
            environment: environment
        )
        try folder.create()
        let signer = Signer(secret: try SiteSecret.load(folder: folder, environment: environment))
        let manager = EmbeddedJobManager.sqlite(
            folder: folder.path,
            executor: WorkerPool(parts.poolConfiguration, logger: parts.logger),
            configuration: parts.managerConfiguration(restart),
            logger: parts.logger
        )
        try self.init(parts, manager: manager, signer: signer)
    }

    /// Puts a site's parts together with another manager.
    init(
        _ parts: SiteParts,
        manager: any JobManager,
        signer: Signer,
        polls: HeldPolls = HeldPolls(),
        threadCount: Int = max(4, 2 * ProcessInfo.processInfo.activeProcessorCount)
    ) throws {
        executor = CallbackExecutor(threadCount: threadCount)
        self.manager = manager
        responder = try parts.responder(manager: manager, signer: signer, polls: polls, executor: executor)
    }
}

extension SiteParts {
    fileprivate var poolConfiguration: WorkerPoolConfiguration {
        var pool = WorkerPoolConfiguration()
        if let workers = configuration.workers {
            pool.maximum = workers
            pool.warm = min(pool.warm, workers)
        }
        pool.grace = configuration.cancelGrace
        pool.shutdownGrace = configuration.shutdownGrace
        pool.environment[LaunchID.environmentVariable] = LaunchID.current
        return pool
    }

    fileprivate func managerConfiguration(_ restart: SupervisorState.RestartReason?) -> JobManagerConfiguration {
        var manager = JobManagerConfiguration()
        manager.maximumQueued = configuration.queueLimit
        manager.maximumPerOwner = configuration.jobsPerOwner
        manager.keepFinished = configuration.keepFinished
        manager.maximumPayloadBytes = configuration.largestBody
        manager.restart = restart == .trap ? .afterTrap : .fresh
        let site = site
        manager.currentVersion = { site.backgroundCallback(ofJob: $0)?.version }
        return manager
    }
}
