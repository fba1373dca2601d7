import HTTPTypes
public import Hummingbird
import Jobs
public import Logging
public import ServiceLifecycle

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
