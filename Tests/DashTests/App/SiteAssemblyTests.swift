import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Dash
@testable import Jobs

@Suite("Each setting of a site reaches its consumer")
struct SiteAssemblyTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A configuration without default values.
    private func configuration(_ dataDir: String) -> SiteConfiguration {
        var configuration = SiteConfiguration()
        for setting in Setting.all { setting.set(&configuration) }
        configuration.dataDir = dataDir
        return configuration
    }

    private func site(_ configuration: SiteConfiguration, jobs: (any JobBackend)? = nil) -> DashSite {
        let app = DashApp(name: "app")
        app.layout = html.Div()
        let site = DashSite(configuration, jobs: jobs)
        site.mount(app, at: "/app/")
        return site
    }

    /// The assembly of a served site, and the setup from which its manager was made.
    private func served(_ site: DashSite) throws -> (assembly: SiteAssembly, setup: JobBackendSetup) {
        var dependencies = try SiteAssembly.Dependencies.serving(site, site.configuration)
        dependencies.suites = nil
        // No service runs here, so the default executor's threads would never end.
        dependencies.executorServices = []
        let recorded = Mutex<JobBackendSetup?>(nil)
        dependencies.makeManager = { [makeManager = dependencies.makeManager] setup in
            recorded.withLock { $0 = setup }
            return try makeManager(setup)
        }
        let assembly = try SiteAssembly(site, site.configuration, dependencies, logger: Self.logger)
        return (assembly, try #require(recorded.withLock { $0 }))
    }

    @Test("The tests below cover all settings")
    func allSettings() {
        let names = Mirror(reflecting: SiteConfiguration()).children.compactMap(\.label)
        #expect(names.sorted() == (Setting.all.map(\.name) + ["dataDir"]).sorted())
    }

    @Test("A served site with worker processes")
    func served() throws {
        let folder = try SuitesFolder()
        let site = site(configuration(folder.path + "/data"))
        let (assembly, setup) = try served(site)
        let manager = try #require(assembly.manager as? EmbeddedJobManager)
        let place = Setting.Place(
            routes: assembly.responder,
            rules: manager.configuration,
            pool: setup.pool,
            server: SiteServer(site: site, configuration: site.configuration, logger: Self.logger),
            assembly: assembly
        )
        for setting in Setting.all { #expect(setting.hasArrived(place), "\(setting.name)") }
        #expect(FileManager.default.fileExists(atPath: folder.path + "/data/secret"), "dataDir")
    }

    @Test("The web servers and workers of a site with a queue")
    func queue() throws {
        let folder = try SuitesFolder()
        let backend = RecordingBackend()
        let site = site(configuration(folder.path), jobs: backend)
        let assembly = try served(site).assembly
        let web = try #require(backend.setup.withLock { $0 })
        let worker = site.jobSetup(site.configuration, logger: Self.logger)
        for setup in [web, worker] {
            let place = Setting.Place(
                routes: assembly.responder,
                rules: setup.configuration,
                pool: setup.pool,
                server: SiteServer(site: site, configuration: site.configuration, logger: Self.logger),
                assembly: assembly
            )
            for setting in Setting.all { #expect(setting.hasArrived(place), "\(setting.name)") }
        }
    }

    @Test("A site in a test, except settings of sockets, processes and files")
    func inProcess() async throws {
        let site = site(configuration("/never-made"))
        let tested = try InProcessSite(
            site,
            executor: CallbackExecutor(threadCount: 1),
            jobs: InProcessExecutor(site),
            clock: SystemJobClock(),
            sharedState: LocalSharedState()
        )
        let manager = try #require(tested.assembly.manager as? EmbeddedJobManager)
        let place = Setting.Place(
            routes: tested.assembly.responder,
            rules: manager.configuration,
            assembly: tested.assembly
        )
        for setting in Setting.all where !setting.isOfServerOnly {
            #expect(setting.hasArrived(place), "\(setting.name)")
        }
        #expect(await tested.respond("GET", "/tools/alive", headers: []).status == 200, "healthPath")
        #expect(await tested.post("/app/", bytes: 2000) == 413, "largestBody")
    }
}

/// A setting, a value other than its default, and a check of its consumer.
private struct Setting: Sendable {
    /// The consumers of settings.
    struct Place {
        var routes: SiteResponder
        var rules: JobManagerConfiguration
        /// Nil if jobs run in this process.
        var pool: WorkerPoolConfiguration?
        /// Nil without a socket.
        var server: SiteServer?
        var assembly: SiteAssembly

        var callbacks: CallbackRoute { routes.routes.callbacks }
    }

    let name: String
    var isOfServerOnly = false
    let set: @Sendable (inout SiteConfiguration) -> Void
    let hasArrived: @Sendable (Place) -> Bool

    static let all = ofServer + ofRoutes + ofJobs

    private static let ofServer = [
        Setting(name: "host", isOfServerOnly: true) {
            $0.host = "::1"
        } hasArrived: {
            $0.server?.address == .hostname("::1", port: 8099)
        },
        Setting(name: "port", isOfServerOnly: true) {
            $0.port = 8099
        } hasArrived: {
            $0.server?.address == .hostname("::1", port: 8099)
        },
        Setting(name: "workers", isOfServerOnly: true) {
            $0.workers = 3
        } hasArrived: {
            $0.pool?.workers == 3
        },
        Setting(name: "cancelGrace", isOfServerOnly: true) {
            $0.cancelGrace = .seconds(7)
        } hasArrived: {
            $0.pool?.cancelGrace == .seconds(7)
        },
        Setting(name: "shutdownGrace", isOfServerOnly: true) {
            $0.shutdownGrace = .seconds(9)
        } hasArrived: {
            let group = $0.server?.serviceGroup(of: $0.assembly)
            return $0.pool?.shutdownGrace == .seconds(9) && group?.maximumGracefulShutdownDuration == .seconds(19)
        },
        Setting(name: "debug", isOfServerOnly: true) {
            $0.debug = true
        } hasArrived: {
            $0.callbacks.tools.errors == .pruned && $0.callbacks.tools.propsCheck
        },
        Setting(name: "devTools", isOfServerOnly: true) {
            $0.devTools.silenceRoutesLogging = false
            $0.devTools.hotReloadWatchInterval = .seconds(11)
        } hasArrived: {
            let logs = !$0.callbacks.configuration.devTools.silenceRoutesLogging
            return logs && $0.callbacks.tools.hotReload?.hotReloadWatchInterval == .seconds(11)
        },
    ]

    private static let ofRoutes = [
        Setting(name: "pathPrefix") {
            $0.pathPrefix = "/tools/"
        } hasArrived: {
            $0.routes.pathPrefix == "/tools/" && $0.routes.apps.map(\.requestsPrefix) == ["/tools/app/"]
        },
        Setting(name: "healthPath") {
            $0.healthPath = "alive"
        } hasArrived: {
            $0.callbacks.configuration.healthPath == "alive"
        },
        Setting(name: "allowedOrigins") {
            $0.allowedOrigins = ["https://friend.example"]
        } hasArrived: {
            $0.callbacks.configuration.allowedOrigins == ["https://friend.example"]
        },
        Setting(name: "trustsForwardedHeaders") {
            $0.trustsForwardedHeaders = true
        } hasArrived: {
            $0.callbacks.configuration.trustsForwardedHeaders
        },
        Setting(name: "deepestJSON") {
            $0.deepestJSON = 13
        } hasArrived: {
            $0.callbacks.configuration.deepestJSON == 13
        },
        Setting(name: "largestInputCount") {
            $0.largestInputCount = 17
        } hasArrived: {
            $0.callbacks.configuration.largestInputCount == 17
        },
    ]

    private static let ofJobs = [
        Setting(name: "largestBody") {
            $0.largestBody = 1999
        } hasArrived: {
            $0.callbacks.configuration.largestBody == 1999 && $0.rules.largestBody == 1999
        },
        Setting(name: "queueLimit") {
            $0.queueLimit = 19
        } hasArrived: {
            $0.rules.queueLimit == 19
        },
        Setting(name: "jobsPerOwner") {
            $0.jobsPerOwner = 23
        } hasArrived: {
            $0.rules.jobsPerOwner == 23
        },
        Setting(name: "keepFinished") {
            $0.keepFinished = .seconds(29)
        } hasArrived: {
            $0.rules.keepFinished == .seconds(29) && $0.callbacks.background.keepFinished == .seconds(29)
        },
    ]
}

/// An in-memory queue of one server that records its setup.
private final class RecordingBackend: JobBackend {
    let setup = Mutex<JobBackendSetup?>(nil)
    let isShared = false

    func makeManager(_ setup: JobBackendSetup) -> any JobManager {
        self.setup.withLock { $0 = setup }
        return EmbeddedJobManager.inMemory(executor: WorkerPool(setup.pool, logger: setup.logger), logger: setup.logger)
    }

    func makeWorker(_ setup: JobBackendSetup, options: JobWorkerOptions) throws -> any Service {
        throw DashError.noQueue
    }
    func makeSharedState(_ setup: JobBackendSetup) -> (any SharedState)? { nil }
}

extension InProcessSite {
    /// The status of the response to a callback request of `bytes` bytes.
    fileprivate func post(_ path: String, bytes: Int) async -> Int {
        let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")]
        let body = [UInt8](repeating: UInt8(ascii: " "), count: bytes)
        return await respond("POST", path + CallbackRoute.path, headers: headers, body: body).status
    }
}
