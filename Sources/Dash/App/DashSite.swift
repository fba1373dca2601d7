public import Jobs
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
