import Foundation
import Hummingbird
import Jobs
import Logging
import NIOCore
import ServiceLifecycle
import Support
import UnixSignals

/// Serves a site on a socket until a signal ends it.
struct SiteServer: Sendable {
    let site: DashSite
    let configuration: SiteConfiguration
    let logger: Logger

    /// Serves until SIGTERM or SIGINT. Then it completes requests in flight, answers held polls, and gives running jobs
    /// their grace period.
    ///
    /// - Throws: ``DashError``, `SuiteError` or `JobsError`, each with a message that says what to do.
    func run() async throws {
        let restart = SupervisedServer.takeRestartReason()
        SupervisedServer.forgetBacktraceSettings()
        SupervisedServer.endWithSupervisor()
        var dependencies = try SiteAssembly.Dependencies.serving(site, configuration)
        dependencies.restart = restart
        dependencies.trap = SupervisedServer.takeTrap()
        let assembly = try SiteAssembly(site, configuration, dependencies, logger: logger)
        // Before the server listens, so that an unusable folder prevents the start.
        try await assembly.manager.open()
        let services = ServiceGroup(configuration: serviceGroup(of: assembly))
        do {
            try await Self.endingAtOnceOnSecondSignal { try await services.run() }
        } catch {
            throw Self.explained(error, configuration)
        }
    }

    /// The services of a site and its server, which starts last and stops first.
    func serviceGroup(of assembly: SiteAssembly) -> ServiceGroupConfiguration {
        var group = ServiceGroupConfiguration(
            services: assembly.services + [LoopService(service: application(assembly.responder))],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        // A request that never ends, or a callback that never returns, must not block the shutdown.
        group.maximumGracefulShutdownDuration = configuration.shutdownGrace + .seconds(10)
        return group
    }

    var address: BindAddress { .hostname(configuration.host, port: configuration.port) }

    /// Ends this process immediately on a second signal. Under a supervisor, the supervisor does so.
    private static func endingAtOnceOnSecondSignal(_ serve: @escaping @Sendable () async throws -> Void) async throws {
        if SupervisedServer.isSupervised { return try await serve() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var signals = 0
                for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
                    signals += 1
                    // 137 is the shell's code for a killed process. The workers end with their server.
                    if signals > 1 { _exit(137) }
                }
            }
            defer { group.cancelAll() }
            try await serve()
        }
    }

    private func application(_ responder: SiteResponder) -> some ApplicationProtocol {
        let watches = ConnectionWatches()
        let configuration = configuration
        return Application(
            responder: SiteHTTPResponder(site: responder, watches: watches),
            server: .http1(configuration: .init(additionalChannelHandlers: [watches.makeHandler()])),
            configuration: ApplicationConfiguration(address: address, serverName: nil),
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

    /// Explains the usual reasons why a server cannot start.
    private static func explained(_ error: any Error, _ configuration: SiteConfiguration) -> any Error {
        let address = "\(configuration.host):\(configuration.port)"
        if error is SocketAddressError || error is SocketAddressError.UnknownHost {
            return DashError(
                .address,
                "Unknown host “\(configuration.host)”. Use another address: --host 127.0.0.1",
                cause: error
            )
        }
        guard let error = error as? IOError else { return error }
        guard error.errnoCode == EADDRINUSE else {
            return DashError(
                .address,
                "The server cannot listen on \(address). Choose another address with --host and --port.",
                cause: error
            )
        }
        return DashError(
            .address,
            "Port \(configuration.port) on \(configuration.host) is in use by another program. "
                + "Stop it, or choose another port: --port \(configuration.port + 1)"
        )
    }
}

extension CommandLine {
    static var executablePath: String {
        Bundle.main.executablePath ?? arguments.first ?? "app"
    }
}

/// A service whose tasks run on event loops.
///
/// A connection's own loop resumes its tasks after a read or a write. Staying on it avoids two thread switches, which
/// cost more than the rest of a small request. Code of the app, which may block, never runs here; see
/// ``CallbackExecutor``.
private struct LoopService: Service {
    let service: any Service

    func run() async throws {
        try await withTaskExecutorPreference(LoopExecutor()) { try await service.run() }
    }
}

/// Ensures that the component suites are installed before the server starts.
struct SuitesAtStart: Sendable {
    let site: DashSite
    let configuration: SiteConfiguration

    /// Installs missing suites in debug or on a terminal; otherwise throws an error that names the command to run.
    ///
    /// - Throws: `SuiteError`.
    func makeSure() async throws {
        for mount in site.contents.mounts { try await makeSure(of: mount.app.suiteLock) }
    }

    private func makeSure(of lock: SuiteLock) async throws {
        do {
            _ = try SuiteFolder.locate(lock)
        } catch {
            guard error.code == .notInstalled, configuration.debug || isatty(STDERR_FILENO) == 1 else { throw error }
            let target = try SuiteFolder.defaultTarget(for: lock)
            _ = try await SuiteInstaller(lock: lock, target: target).install { line in
                FileHandle.standardError.write(Data("\(line)\n".utf8))
            }
        }
    }
}
