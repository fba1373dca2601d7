import ArgumentParser
import Foundation
import HTTPTypes
public import Hummingbird
public import Jobs
public import Logging
public import ServiceLifecycle
import Synchronization

/// Several apps and plain pages, served with one server, worker pool, job store, secret and session.
///
/// ```swift
/// let site = DashSite()
/// site.page(at: "/", html: "<h1>Our tools</h1>")
/// site.mount(reports(), at: "/reports/")
/// site.mount(imports(), at: "/imports/")
/// try await site.run()
/// ```
///
/// A job's name consists of the app's name and the callback's: `reports/out.children`.
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

    /// How the site is served; the command line and the environment take precedence.
    let configuration: SiteConfiguration
    /// Where jobs are stored and run; `nil` uses the server itself, with worker processes and its own database file.
    let jobs: (any JobBackend)?
    private let mutableContents = Mutex(Contents())

    /// Creates an empty site.
    ///
    /// - Parameters:
    ///   - configuration: How the site is served.
    ///   - jobs: Where background jobs are stored and run, such as a `CeleryManager` for several servers and separate
    ///     workers. By default the server itself, which needs nothing else.
    public init(_ configuration: SiteConfiguration = SiteConfiguration(), jobs: (any JobBackend)? = nil) {
        self.configuration = configuration
        self.jobs = jobs
        if jobs?.isShared == true { LaunchID.share() }
    }

    /// Serves an app at a path.
    ///
    /// - Parameters:
    ///   - app: The app; if it has no name, it is named after the path.
    ///   - path: `/`, or parts between slashes such as `/reports/2026/`. An invalid path, or one in use, is reported
    ///     when the site starts.
    public func mount(_ app: DashApp, at path: String) {
        // Jobs build links too, in processes that serve nothing.
        let prefix = MountPath.normalized(configuration.pathPrefix) ?? "/"
        place(at: path, "mount", "Mount the app at another path.", example: "/reports/") { contents, path in
            contents.mounts.append(Mount(path: path, app: app))
            app.pageRegistry.place.settle(path: path, prefix: prefix.dropLast() + path)
        }
    }

    /// Serves a plain HTML page, for example a list of the apps.
    ///
    /// - Parameters:
    ///   - path: The path; see ``mount(_:at:)`` for its form.
    ///   - html: The whole document.
    public func page(at path: String, html: String) {
        place(at: path, "page", "Serve the page at another path.", example: "/about/") { $0.pages[$1] = html }
    }

    /// Adds contents at a path in normal form, and notes what is wrong with it.
    private func place(
        at path: String,
        _ kind: String,
        _ remedy: String,
        example: String,
        add: (inout Contents, String) -> Void
    ) {
        mutableContents.withLock { contents in
            guard let normalized = MountPath.normalized(path) else {
                contents.problems.append("Invalid \(kind) path “\(path)”. Use a path such as \(example).")
                return
            }
            if contents.isTaken(normalized) {
                contents.problems.append("The path \(normalized) is in use already. \(remedy)")
            }
            add(&contents, normalized)
        }
    }

    /// A snapshot of the mounts, pages and problems.
    var contents: Contents { mutableContents.withLock { $0 } }
}

extension DashSite.Contents {
    /// Errors for apps and jobs with equal names: a job of one would run the code of the other.
    var sharedNames: [String] {
        let names = mounts.map(\.appName)
        let apps = Self.repeated(names).map { name in
            "Two apps are named “\(name)”. Rename one of them with DashApp(name:)."
        }
        let jobs = Set(names).flatMap { name in
            mounts.first { $0.appName == name }
                .map { $0.app.registry.callbacks.filter { $0.kind == .background }.map { "\(name)/\($0.name)" } } ?? []
        }
        return apps + Self.repeated(jobs).map { "Two jobs are named “\($0)”. Set name: on one of the callbacks." }
    }

    fileprivate static func repeated(_ names: [String]) -> [String] {
        Dictionary(grouping: names, by: \.self).filter { $0.value.count > 1 }.keys.sorted()
    }

    func isTaken(_ path: String) -> Bool {
        pages[path] != nil || mounts.contains { $0.path == path }
    }
}

// MARK: - Run

extension DashSite {
    /// Serves the site, or runs another command of the command line; returns when it has completed.
    ///
    /// In a worker process, which the server starts from the same executable, it runs jobs and never returns. The code
    /// before `run()` runs in every process: declare there, and open connections in callbacks.
    ///
    /// All mistakes in the apps are printed with file and line and end the process with code 1, as does an error that
    /// prevents the server from starting.
    ///
    /// - Parameter arguments: The command line after the program's name; `nil` uses the process's own.
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
            // A request for help: `run` throws an error with the text.
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
        let setup = jobSetup(configuration, logger: logger)
        let worker = try jobs.makeWorker(setup, options: command.options)
        let code = try await WorkerSignals.run(worker, logger: logger)
        if code != 0 { exit(code) }
    }

    /// Prints the mistakes in the apps and ends the process; does nothing if there are none.
    private func reportFindings(isCheck: Bool = false) {
        let findings = findings
        guard !findings.isEmpty else { return }
        for finding in findings { FileHandle.standardError.write(Data("error: \(finding)\n".utf8)) }
        exit(isCheck ? DevelopmentProcess.refused : 1)
    }

    /// The mistakes in the site and its apps, with file and line where known.
    var findings: [String] { findings(ignoringQueue: false) }

    /// The mistakes in the site and its apps, with or without those of the queue.
    ///
    /// - Parameter ignoringQueue: Whether to skip the checks of the queue, as in a test.
    func findings(ignoringQueue: Bool) -> [String] {
        let contents = contents
        let isEmpty = contents.mounts.isEmpty && contents.pages.isEmpty
        return contents.problems + contents.sharedNames + contents.mounts.flatMap { $0.app.findings.map(\.description) }
            + (ignoringQueue ? [] : queueFindings)
            + (isEmpty ? ["The site is empty. Mount an app before running it."] : [])
    }
}

// MARK: - Routes

extension DashSite {
    /// Adds the site to the router of your Hummingbird application, at the paths of its apps and pages.
    ///
    /// ```swift
    /// let router = Router()
    /// router.get("hello") { _, _ in "Hello" }
    /// let services = try await site.addRoutes(to: router)
    /// let application = Application(router: router, services: services)
    /// try await application.runService()
    /// ```
    ///
    /// Call it early, and before you create the application: in a worker process, which the job manager starts from the
    /// same executable, it runs jobs and never returns. Middleware added to the router before this call also handles
    /// the site's requests; middleware that changes response statuses, redirects or delays `_dash-update-component`
    /// breaks pages.
    ///
    /// The site's configuration applies except for host and port; of the environment, only `DASH_DATA_DIR`,
    /// `DASH_SECRET_KEY` and `DASH_SUITES` apply. There is no supervisor: a trap in a regular callback ends the
    /// process. A router does not report closed connections, so the poll of a closed page is held for its full 20
    /// seconds.
    ///
    /// - Parameters:
    ///   - router: The router, not a group of it: the apps' own paths are absolute.
    ///   - logger: The site's logger.
    /// - Returns: The services the site needs: its job manager with the worker processes, and the threads of callbacks.
    ///   They must run as long as the server and stop after it, as they do when passed to the application.
    /// - Throws: ``DashError`` with code `findings` for mistakes in the apps, with code `mount` if the router has a
    ///   route of the same path, and errors that prevent a start: missing suites, data folder or secret.
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

/// What a queue needs from the site.
extension DashSite {
    /// The jobs that this program's workers can run: its background callbacks with a closure.
    var jobDefinitions: [JobDefinition] {
        contents.mounts.flatMap { mount in
            mount.app.registry.callbacks
                .filter { $0.kind == .background && $0.background?.remote == nil }
                .map { callback in
                    JobDefinition(
                        name: "\(mount.appName)/\(callback.name)",
                        taskName: callback.taskName(inApp: mount.appName),
                        version: callback.version,
                        retries: callback.background?.retries ?? .none
                    )
                }
        }
    }

    /// The callback of a job's name: the app's name, a slash, the callback's name.
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

    /// Mistakes in the combination of jobs and queue.
    var queueFindings: [String] {
        let mounts = contents.mounts
        let foreign = jobs == nil ? mounts.compactMap { $0.app.ownJobsFinding?.description } : []
        guard jobs == nil else { return foreign + sharedTaskNames }
        return foreign
            + mounts.flatMap { mount in
                mount.app.registry.callbacks.compactMap { callback in
                    callback.background?.remote.map { remote in
                        "\(callback.location): The task \(remote.name) runs on other workers, but the site has no "
                            + "queue. Set one with DashSite(jobs: CeleryManager(…))."
                    }
                }
            }
    }

    /// Errors for callbacks of several apps whose tasks would have the same name.
    private var sharedTaskNames: [String] {
        Contents.repeated(jobDefinitions.map(\.taskName)).map { name in
            "Callbacks of two apps are named “\(name)”, so their tasks on the queue would be too. Rename one of them."
        }
    }
}

extension DashSite.Mount {
    /// The app's name, otherwise that of the path.
    var appName: String { app.name ?? MountPath.name(of: path) }
}
