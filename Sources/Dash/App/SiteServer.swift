import Foundation
import Hummingbird
import Jobs
import JobsSQLite
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// Puts a site's parts together and runs them until a signal ends them.
struct SiteServer: Sendable {
    let site: DashSite
    let configuration: SiteConfiguration
    let logger: Logger

    /// Serves until SIGTERM or SIGINT. Requests in flight are answered, held polls let go, running jobs get their grace.
    ///
    /// - Throws: ``DashError``, `SuiteError` or `JobsError`, each with a sentence that says what to do.
    func run() async throws {
        let restart = SupervisedServer.takeRestartReason()
        SupervisedServer.endWithSupervisor()
        let folder = DataFolder(
            given: configuration.dataFolder,
            executable: CommandLine.executablePath,
            environment: ProcessInfo.processInfo.environment
        )
        try folder.create()
        let signer = Signer(
            secret: try SiteSecret.load(folder: folder, environment: ProcessInfo.processInfo.environment)
        )
        let manager = EmbeddedJobManager.sqlite(
            folder: folder.path,
            executor: WorkerPool(poolConfiguration, logger: logger),
            configuration: managerConfiguration(restart),
            logger: logger
        )
        let executor = CallbackExecutor(threadCount: max(4, 2 * ProcessInfo.processInfo.activeProcessorCount))
        let polls = HeldPolls()
        let responder = try SiteParts(site: site, configuration: configuration, logger: logger)
            .responder(manager: manager, signer: signer, polls: polls, executor: executor)
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [manager, application(responder), PollRelease(polls: polls)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger
            )
        )
        do {
            try await services.run()
        } catch {
            throw Self.explained(error, configuration)
        }
        try await executor.shutDown()
    }

    private func application(_ responder: SiteResponder) -> some ApplicationProtocol {
        let watches = ConnectionWatches()
        let configuration = configuration
        return Application(
            responder: SiteHTTPResponder(site: responder, watches: watches),
            server: .http1(configuration: .init(additionalChannelHandlers: [watches.makeHandler()])),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: nil
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? configuration.port
                let host =
                    configuration.host == "0.0.0.0" || configuration.host == "::" ? "127.0.0.1" : configuration.host
                print(
                    "Dash is running on http://\(host.contains(":") ? "[\(host)]" : host):\(port)\(configuration.pathPrefix)"
                )
                fflush(nil)
                SupervisedServer.reportReady()
            },
            logger: logger
        )
    }

    private var poolConfiguration: WorkerPoolConfiguration {
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

    private func managerConfiguration(_ restart: SupervisorState.RestartReason?) -> JobManagerConfiguration {
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

    /// The usual reason why a server does not come up, in words.
    private static func explained(_ error: any Error, _ configuration: SiteConfiguration) -> any Error {
        guard let error = error as? IOError else { return error }
        let address = "\(configuration.host):\(configuration.port)"
        guard error.errnoCode == EADDRINUSE else {
            return DashError(.address, "The server cannot listen on \(address).", cause: error)
        }
        return DashError(
            .address,
            "Port \(configuration.port) on \(configuration.host) is in use by another program. "
                + "Stop it, or choose another port: --port \(configuration.port + 1)"
        )
    }
}

/// Lets all held polls go when the server is to stop, so that their requests end at once.
private struct PollRelease: Service {
    let polls: HeldPolls

    func run() async throws {
        try? await gracefulShutdown()
        polls.shutDown()
    }
}

extension CommandLine {
    /// The path of this process's executable.
    static var executablePath: String {
        Bundle.main.executablePath ?? arguments.first ?? "app"
    }
}
