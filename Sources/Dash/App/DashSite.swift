import ArgumentParser
import Crypto
import Foundation
import HTTPTypes
public import Hummingbird
public import Jobs
public import Logging
public import ServiceLifecycle
import Support
import Synchronization

/// Several apps, and plain pages, served together: over one server, worker pool, job store, secret and session.
///
/// ```swift
/// let site = DashSite()
/// site.page(at: "/", html: "<h1>Our tools</h1>")
/// site.mount(reports(), at: "/reports/")
/// site.mount(imports(), at: "/imports/")
/// try await site.run()
/// ```
///
/// A job's name is the app's name and the callback's: `reports/out.children`.
public final class DashSite: Sendable {
    struct Mount: Sendable {
        let path: String
        let app: DashApp
    }

    struct Contents: Sendable {
        var mounts: [Mount] = []
        var pages: [String: String] = [:]
        var problems: [String] = []
    }

    /// How the site is served, before the command line and the environment have their say.
    public let configuration: SiteConfiguration
    /// Where jobs are kept and run; nil is the server itself, with worker processes and a file of its own.
    public let jobs: (any JobBackend)?
    private let mutableContents = Mutex(Contents())

    /// An empty site.
    ///
    /// - Parameters:
    ///   - configuration: How it is served.
    ///   - jobs: Where background jobs are kept and run: a `CeleryManager`, for several servers, and workers elsewhere. By
    ///     default the server does it, and needs nothing else.
    public init(_ configuration: SiteConfiguration = SiteConfiguration(), jobs: (any JobBackend)? = nil) {
        self.configuration = configuration
        self.jobs = jobs
        if jobs?.isShared == true { LaunchID.share() }
    }

    /// Serves an app below a path.
    ///
    /// - Parameters:
    ///   - app: the app; its name becomes the path unless it was given one.
    ///   - path: `/`, or parts between slashes such as `/reports/2026/`. A path that is taken, or that is none, is
    ///     reported when the site starts.
    public func mount(_ app: DashApp, at path: String) {
        mutableContents.withLock { contents in
            guard let normalized = MountPath.normalized(path) else {
                contents.problems.append("“\(path)” is no path to mount an app at; write one like /reports/.")
                return
            }
            if contents.isTaken(normalized) {
                contents.problems.append("Two things are served at \(normalized); mount one of them elsewhere.")
            }
            contents.mounts.append(Mount(path: normalized, app: app))
            // Links in jobs too, whose process serves nothing.
            let prefix = MountPath.normalized(configuration.pathPrefix) ?? "/"
            app.pageRegistry.place.settle(path: normalized, prefix: prefix.dropLast() + normalized)
        }
    }

    /// Serves a plain HTML page, for example a list of the apps.
    ///
    /// - Parameters:
    ///   - path: where; the same rules as for ``mount(_:at:)``.
    ///   - html: the whole document.
    public func page(at path: String, html: String) {
        mutableContents.withLock { contents in
            guard let normalized = MountPath.normalized(path) else {
                contents.problems.append("“\(path)” is no path for a page; write one like /about/.")
                return
            }
            if contents.isTaken(normalized) {
                contents.problems.append("Two things are served at \(normalized); put one of them elsewhere.")
            }
            contents.pages[normalized] = html
        }
    }

    /// What is served where, as of now.
    var contents: Contents { mutableContents.withLock { $0 } }
}

extension DashSite.Contents {
    /// Apps and jobs that cannot be told apart by name: a job of one would run the code of the other.
    var sharedNames: [String] {
        let names = mounts.map(\.appName)
        let apps = Self.repeated(names).map { name in
            "Two apps are named “\(name)”; give one of them another name: DashApp(name:)."
        }
        let jobs = Set(names).flatMap { name in
            mounts.first { $0.appName == name }
                .map { $0.app.registry.callbacks.filter { $0.kind == .background }.map { "\(name)/\($0.name)" } } ?? []
        }
        return apps + Self.repeated(jobs).map { "Two jobs are named “\($0)”; give one of the callbacks a name:." }
    }

    private static func repeated(_ names: [String]) -> [String] {
        Dictionary(grouping: names, by: \.self).filter { $0.value.count > 1 }.keys.sorted()
    }

    func isTaken(_ path: String) -> Bool {
        pages[path] != nil || mounts.contains { $0.path == path }
    }
}

// MARK: - Run

extension DashSite {
    /// Serves the site, or does whatever else the command line says; returns when that is done.
    ///
    /// In a worker process, which the server starts from this same executable, it runs jobs and never returns. So the code
    /// before `run()` runs in every process: declare there, and open connections inside callbacks.
    ///
    /// Mistakes in the apps are printed with file and line, all of them, and end the process with code 1; so does an
    /// error that keeps the server from starting.
    ///
    /// - Parameter arguments: the command line after the program's name; nil is the process's own.
    public func run(arguments: [String]? = nil) async throws {
        if WorkerProcess.isWorker { await JobWorker(site: self).serve() }
        DevelopmentProcess.endWithTool()
        var command: any ParsableCommand
        do {
            command = try SiteCommand.command(for: arguments ?? Array(CommandLine.arguments.dropFirst()))
        } catch {
            SiteCommand.exit(withError: error)
        }
        do {
            switch command {
            case let serve as ServeCommand: try await self.serve(serve)
            case let worker as WorkerCommand: try await work(worker)
            // A call for help: the text is in the error that this throws.
            default: do { try command.run() } catch { SiteCommand.exit(withError: error) }
            }
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            exit(1)
        }
    }

    private func serve(_ command: ServeCommand) async throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = try command.apply(to: configuration, environment: environment)
        reportFindings(isCheck: DevelopmentProcess.isCheck)
        if DevelopmentProcess.isCheck { exit(0) }
        let logger = Logger.site(environment["LOG_LEVEL"])
        let server = SiteServer(site: self, configuration: configuration, logger: logger)
        if SupervisedServer.isSupervised { return try await server.run() }
        try await SuitesAtStart(site: self, configuration: configuration).makeSure()
        if !command.supervise { return try await server.run() }
        let trapFile = configuration.debug ? NSTemporaryDirectory() + "dash-swift-trap-" + UUID().uuidString : nil
        let code = await Supervisor(logger: logger, trapFile: trapFile).run()
        if code != 0 { exit(code) }
    }

    private func work(_ command: WorkerCommand) async throws {
        guard let jobs else { throw DashError.noQueue }
        reportFindings()
        let environment = ProcessInfo.processInfo.environment
        let logger = Logger.site(command.logLevel?.rawValue ?? environment["LOG_LEVEL"])
        if let note = command.note { logger.notice("\(note)") }
        let setup = JobBackendSetup(self, configuration, logger: logger)
        let worker = try jobs.makeWorker(setup, options: command.options)
        let code = try await WorkerSignals.run(worker, logger: logger)
        if code != 0 { exit(code) }
    }

    /// Prints what is wrong with the apps, if anything is, and ends the process.
    private func reportFindings(isCheck: Bool = false) {
        let findings = findings
        guard !findings.isEmpty else { return }
        for finding in findings { FileHandle.standardError.write(Data("error: \(finding)\n".utf8)) }
        exit(isCheck ? DevelopmentProcess.refused : 1)
    }

    /// What is wrong with the site and its apps, each with file and line where it has one.
    var findings: [String] { findings(ignoringQueue: false) }

    /// The same.
    ///
    /// - Parameter ignoringQueue: True where no queue is used, as in a test.
    func findings(ignoringQueue: Bool) -> [String] {
        let contents = contents
        let isEmpty = contents.mounts.isEmpty && contents.pages.isEmpty
        return contents.problems + contents.sharedNames + contents.mounts.flatMap { $0.app.findings.map(\.description) }
            + (ignoringQueue ? [] : queueFindings)
            + (isEmpty ? ["The site is empty: mount an app before it is served."] : [])
    }
}

extension DashApp {
    /// Serves this app alone, at the root; see ``DashSite/run(arguments:)``.
    ///
    /// - Parameters:
    ///   - configuration: how it is served; the command line and the environment win.
    ///   - arguments: the command line after the program's name; nil is the process's own.
    public func run(_ configuration: SiteConfiguration = SiteConfiguration(), arguments: [String]? = nil) async throws {
        let site = DashSite(configuration, jobs: jobs)
        site.mount(self, at: "/")
        try await site.run(arguments: arguments)
    }
}

// MARK: - Routes

extension DashSite {
    /// Puts the site into the router of a Hummingbird application of one's own, below the paths of its apps and pages.
    ///
    /// ```swift
    /// let router = Router()
    /// router.get("hello") { _, _ in "Hello" }
    /// let services = try await site.addRoutes(to: router)
    /// let application = Application(router: router, services: services)
    /// try await application.runService()
    /// ```
    ///
    /// Call it before the application is made, and early: in a worker process, which the job manager starts from this same
    /// executable, it runs jobs and never returns. Middleware that was added to the router before also sees the site's
    /// requests; one that changes statuses of answers, redirects or delays `_dash-update-component` breaks pages.
    ///
    /// Of the site's configuration everything counts but host and port; of the environment `DASH_DATA_DIR`,
    /// `DASH_SECRET_KEY` and `DASH_SUITES`. There is no supervisor here: a trap in a regular callback ends the process. A
    /// router does not tell when a browser closes its connection, so the poll of a closed page is let go after its 20
    /// seconds.
    ///
    /// - Parameters:
    ///   - router: The router, not a group of it: the apps' own paths say where they are served.
    ///   - logger: For what the site has to say.
    /// - Returns: The services the site needs: its job manager with the worker processes, and the threads of callbacks.
    ///   They must run as long as the server does, and end after it, as they do when the application is given them.
    /// - Throws: ``DashError`` with code `findings` for mistakes in the apps, with code `mount` where the router has a route
    ///   of the same path, and what keeps a site from starting: no suites, no data folder, no secret.
    public func addRoutes(
        to router: Router<some RequestContext>,
        logger: Logger = Logger(label: "dash")
    ) async throws -> [any Service] {
        if WorkerProcess.isWorker { await JobWorker(site: self).serve() }
        let findings = findings
        guard findings.isEmpty else { throw DashError(.findings, findings.joined(separator: "\n")) }
        try await SuitesAtStart(site: self, configuration: configuration).makeSure()
        let assembly = try SiteAssembly(self, configuration, .serving(self, configuration), logger: logger)
        try assembly.responder.addRoutes(to: router)
        return assembly.services
    }
}

extension SiteResponder {
    /// Adds a route for each path of the site, and for everything below it.
    ///
    /// - Throws: ``DashError`` with code `mount`.
    func addRoutes<Context: RequestContext>(to router: Router<Context>) throws {
        let taken = Set(router.routes.map { "\($0.method) \($0.path)" })
        for path in routerPaths {
            for method in [HTTPRequest.Method.get, .head, .post] {
                guard !taken.contains("\(method) \(RouterPath(path))") else {
                    throw DashError(.mount, "The router has a route for \(method) \(path) already.")
                }
                router.on(RouterPath(path), method: method) { request, context in
                    await respond(to: request, context: context, connection: nil)
                }
            }
        }
    }

    /// The paths as a router takes them: a proxy may strip the prefix or not.
    private var routerPaths: [String] {
        let served = pages.keys + apps.flatMap { [$0.path, $0.path + "**"] }
        return Set(served + served.map { pathPrefix.dropLast() + $0 }).sorted()
    }
}

/// What a site is to its queue.
extension DashSite {
    /// The jobs that this program's workers can run: those of its background callbacks with code of their own.
    var jobDefinitions: [JobDefinition] {
        contents.mounts.flatMap { mount in
            mount.app.registry.callbacks
                .filter { $0.kind == .background && $0.background?.remote == nil }
                .map { callback in
                    let job = "\(mount.appName)/\(callback.name)"
                    return JobDefinition(
                        name: job,
                        taskName: callback.taskName(ofJob: job),
                        version: callback.version,
                        displayName: callback.isNamed ? nil : job,
                        retries: callback.background?.retries ?? .none
                    )
                }
        }
    }

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

    /// What keeps the site's jobs and its queue from working together.
    var queueFindings: [String] {
        let mounts = contents.mounts
        let foreign = mounts.filter { $0.app.jobs != nil }.compactMap { mount in
            jobs == nil
                ? "\(mount.app.location): The app was given jobs:, but it is part of a site: give them to DashSite(jobs:)."
                : nil
        }
        guard jobs == nil else { return foreign + sharedTaskNames }
        return foreign
            + mounts.flatMap { mount in
                mount.app.registry.callbacks.compactMap { callback in
                    callback.background?.remote.map { remote in
                        "\(callback.location): The task \(remote.name) is run by other workers, but the site has no queue to "
                            + "them: give it one, as DashSite(jobs: CeleryManager(…))."
                    }
                }
            }
    }

    /// Callbacks of several apps that other programs could not tell apart.
    private var sharedTaskNames: [String] {
        Dictionary(grouping: jobDefinitions, by: \.taskName).filter { $0.value.count > 1 }.keys.sorted().map { name in
            "Callbacks of two apps are named “\(name)”, and so would be their tasks on the queue: rename one of them."
        }
    }
}

extension DashSite.Mount {
    /// The app's own name, else that of the path.
    var appName: String { app.name ?? MountPath.name(of: path) }
}

extension Callback {
    /// The name of a job's task on the queue: the one the user gave, else one that stays while the callback's inputs and
    /// outputs do.
    fileprivate func taskName(ofJob job: String) -> String {
        if isNamed { return name }
        return "background_callback_" + Hexadecimal.text(SHA256.hash(data: Array(job.utf8)))
    }
}
