import DashAGGrid
import Foundation
import Hummingbird
import HummingbirdTesting
import Jobs
import Logging

@testable import Dash

/// A site with jobs in this process and in memory, and access to its parts for tests.
struct TestSite: Sendable {
    let site: DashSite
    let suites: String
    let executor: InProcessExecutor
    let manager: AlteredManager
    let assembly: SiteAssembly
    private let callbacks: CallbackExecutor
    private let folder: SuitesFolder?
    private let isFirst: Bool
    private let watches = ConnectionWatches()
    private static let logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()
    var polls: HeldPolls { assembly.responder.routes.callbacks.background.polls }

    /// Settings of a test.
    struct Options: Sendable {
        var site = SiteConfiguration()
        var maximumRunning = 8
        /// How long the first request waits for the result: zero, so that tests observe the polls.
        var firstWait: Duration = .zero
        var limits = PollLimits()
        var longestHold: Duration = .seconds(3600)
        var threadCount = 4
        /// The state shared with another site.
        var sharedState: any SharedState = LocalSharedState()
        /// Whether the test changes files of the suites, and needs its own.
        var ownSuites = false
        /// The file of the build report.
        var buildReport: String?
    }

    /// A site of one app.
    init(_ app: DashApp, at path: String = "/", _ set: (inout Options) -> Void = { _ in }) throws {
        var options = Options()
        set(&options)
        let site = DashSite(options.site)
        site.mount(app, at: path)
        try self.init(site: site, options)
    }

    /// Another server of the same site, with the same jobs and shared state.
    init(besides first: TestSite, sharedState: any SharedState, _ set: (inout Options) -> Void = { _ in }) throws {
        var options = Options()
        options.sharedState = sharedState
        set(&options)
        try self.init(site: first.site, options, manager: first.manager, executor: first.executor, isFirst: false)
    }

    /// A site of several apps.
    init(site: DashSite, _ options: Options = Options()) throws {
        let executor = InProcessExecutor(site, maximumConcurrency: options.maximumRunning)
        let setup = site.jobSetup(site.configuration, logger: Self.logger)
        let engine = EmbeddedJobManager.inMemory(
            executor: executor,
            configuration: setup.configuration,
            logger: setup.logger
        )
        try self.init(site: site, options, manager: AlteredManager(engine), executor: executor)
    }

    private init(
        site: DashSite,
        _ options: Options,
        manager: AlteredManager,
        executor: InProcessExecutor,
        isFirst: Bool = true
    ) throws {
        self.isFirst = isFirst
        folder = options.ownSuites ? try SuitesFolder() : nil
        suites = try folder?.fillWithSuites([.agGrid]).path ?? SharedSuites.path.get()
        self.executor = executor
        self.manager = manager
        self.site = site
        callbacks = CallbackExecutor(threadCount: options.threadCount)
        var search = SuiteSearch.current
        search.environment = ["DASH_SUITES": suites]
        let dependencies = SiteAssembly.Dependencies(
            executor: callbacks,
            makeManager: { _ in manager },
            makeSharedState: { _ in options.sharedState },
            signer: Signer(secret: Array("a secret of these tests".utf8)),
            suites: search,
            buildReport: options.buildReport,
            firstWait: options.firstWait,
            pollLimits: options.limits,
            longestHold: options.longestHold
        )
        assembly = try SiteAssembly(site, site.configuration, dependencies, logger: Self.logger)
    }

    /// Serves the site during a test: without sockets, or over a real connection.
    func serve(_ setup: TestingSetup = .router, _ test: @Sendable (Visit) async throws -> Void) async throws {
        let application = Application(
            responder: SiteHTTPResponder(site: assembly.responder, watches: watches),
            server: .http1(configuration: .init(additionalChannelHandlers: [watches.makeHandler()])),
            logger: assembly.responder.logger
        )
        try await serve(application, setup, test)
    }

    /// Serves an application during a test, with the site's jobs.
    func serve(
        _ application: some ApplicationProtocol,
        _ setup: TestingSetup = .router,
        _ test: @Sendable (Visit) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            if isFirst { group.addTask { try await manager.run() } }
            group.addTask { try await callbacks.run() }
            group.addTask { try await polls.run() }
            try await application.test(setup) { try await test(Visit(client: $0)) }
            group.cancelAll()
            try? await group.waitForAll()
        }
    }
}

/// Small files in place of the suites' files, created once and reused by later runs.
private enum SharedSuites {
    static let path = Result {
        let path = NSTemporaryDirectory() + "dash-swift-test-suites-" + SuiteLock.pinned.digest.prefix(12)
        if SuiteFolder(path: path, lock: .pinned) == nil {
            let made = try SuitesFolder()
            _ = try made.fillWithSuites([.agGrid])
            // Only complete folders get the name; another process may have created it meanwhile.
            try? FileManager.default.copyItem(atPath: made.path, toPath: path + "-draft\(getpid())")
            try? FileManager.default.moveItem(atPath: path + "-draft\(getpid())", toPath: path)
        }
        return path
    }
}
