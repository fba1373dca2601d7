/// How a ``DashSite`` is served. Every value has a default that works on a developer's machine.
///
/// The command line and the environment (`HOST`, `PORT`, `DASH_DEBUG`, `DASH_DATA_DIR`, `DASH_SECRET_KEY`, `DASH_SUITES`,
/// and those of ``DevTools``) win over what is set here.
public struct SiteConfiguration: Sendable {
    /// The address to listen on; `0.0.0.0` for all of the machine's.
    public var host = "127.0.0.1"
    /// The TCP port; 0 takes a free one.
    public var port = 8050
    /// Whether errors are shown to the browser with message and place. Never in production.
    public var debug = false
    /// The developer's tools, where they are not to follow ``debug``.
    public var devTools = DevTools()
    /// The path at which a proxy serves the site, as the browser sees it: `/tools/`. The proxy may strip it or not.
    public var pathPrefix = "/"
    /// The most worker processes at once; nil is four times the cores, and 8 at least.
    public var workers: Int?
    /// Where jobs, cache and secret are kept; nil is the user's state folder (`DASH_DATA_DIR`).
    public var dataDir: String?
    /// How long a cancelled job may take to end by itself before its process group is killed.
    public var cancelGrace: Duration = .seconds(1)
    /// How long running jobs may go on when the server is asked to stop; what is left then runs again at the next start.
    public var shutdownGrace: Duration = .seconds(5)
    /// The most jobs that may wait; a further start fails with a clear "busy".
    public var queueLimit = 10_000
    /// The most unfinished jobs of one owner.
    public var jobsPerOwner = 1_000
    /// How long a finished job's result is kept for its page.
    public var keepFinished: Duration = .seconds(3600)
    /// The largest request body in bytes.
    public var largestBody = 32 * 1024 * 1024
    /// The deepest nesting of a request's JSON.
    public var deepestJSON = 512
    /// The most values (inputs, states, members of patterns) in one request.
    public var largestInputCount = 10_000
    /// Origins besides the site's own whose pages may call it, as `https://example.org`.
    public var allowedOrigins: Set<String> = []
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` are set by a proxy of one's own and may be believed.
    public var trustsForwardedHeaders = false
    /// The path, below the site's, that answers `OK` while the server runs; nil for none.
    public var healthPath: String? = "_health"

    /// The defaults.
    public init() {}
}

/// The rules for what an app's page and assets are set to.
enum OptionRules {
    static func sentences(page: PageOptions, assets: AssetsOptions) -> [String] {
        template(page) + headers(page) + patterns(assets)
    }

    private static func template(_ page: PageOptions) -> [String] {
        guard let template = page.template else { return [] }
        let missing = IndexPage.neededPlaces.filter { !template.contains("{%\($0)%}") }.map { "{%\($0)%}" }
        if missing.isEmpty { return [] }
        return [
            "app.page.template has no \(missing.joined(separator: ", ")): put it where it belongs, or the app never starts."
        ]
    }

    private static func headers(_ page: PageOptions) -> [String] {
        guard page.csrfCookie.isEmpty || page.csrfHeader.isEmpty else { return [] }
        return ["app.page.csrfCookie or csrfHeader is empty: give it the name that the check of your middleware has."]
    }

    private static func patterns(_ assets: AssetsOptions) -> [String] {
        (assets.ignoreFolders + [assets.ignore].compactMap(\.self)).compactMap { pattern in
            if (try? Regex(pattern)) != nil { return nil }
            return "“\(pattern)” in app.assets is no regular expression."
        }
    }
}

/// Paths at which apps are mounted: `/`, or parts between slashes.
enum MountPath {
    /// `path` with a slash at both ends; nil when it is no plain path.
    static func normalized(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let isPlain = parts.allSatisfy { part in
            part != "." && part != ".."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\\\"<>".utf8.contains($0) }
        }
        guard isPlain else { return nil }
        return parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + "/"
    }

    /// The name of an app mounted there: the path without its outer slashes, `app` for the root.
    static func name(of path: String) -> String {
        path == "/" ? "app" : String(path.dropFirst().dropLast())
    }
}
