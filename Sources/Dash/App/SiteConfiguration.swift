/// How a ``DashSite`` is served. The defaults work on a developer's machine.
///
/// The command line and the environment (`HOST`, `PORT`, `DASH_DEBUG`, `DASH_DATA_DIR`, `DASH_SECRET_KEY`,
/// `DASH_SUITES`, and those of ``DevTools``) take precedence.
public struct SiteConfiguration: Sendable {
    /// The address to listen on; `0.0.0.0` for all interfaces.
    public var host = "127.0.0.1"
    /// The TCP port; 0 picks a free one.
    public var port = 8050
    /// Whether the browser shows errors with message and location. Not for production.
    public var debug = false
    /// The developer tools that do not follow ``debug``.
    public var devTools = DevTools()
    /// The path at which a proxy serves the site, such as `/tools/`. The proxy may strip it or not.
    public var pathPrefix = "/"
    /// The maximum number of worker processes; nil is four per core, at least 8.
    public var workers: Int?
    /// The folder for jobs, cache and secret; nil uses the user's state folder (`DASH_DATA_DIR`).
    public var dataDir: String?
    /// How long a cancelled job may take to end before its process group is killed.
    public var cancelGrace: Duration = .seconds(1)
    /// How long running jobs may continue when the server is stopped; unfinished jobs run again at the next start.
    public var shutdownGrace: Duration = .seconds(5)
    /// The maximum number of waiting jobs; a further start fails with an error.
    public var queueLimit = 10_000
    /// The maximum number of unfinished jobs per owner.
    public var jobsPerOwner = 1_000
    /// How long the result of a finished job is kept for its page.
    public var keepFinished: Duration = .seconds(3600)
    /// The maximum size of a request body, in bytes.
    public var largestBody = 32 * 1024 * 1024
    /// The maximum nesting of a request's JSON.
    public var deepestJSON = 512
    /// The maximum number of values (inputs, states, members of patterns) in one request.
    public var largestInputCount = 10_000
    /// Origins besides the site's own whose pages may call it, such as `https://example.org`.
    public var allowedOrigins: Set<String> = []
    /// Whether `X-Forwarded-Host` and `X-Forwarded-Proto` are set by your proxy and can be trusted.
    public var trustsForwardedHeaders = false
    /// The path, below the site's, that answers `OK` while the server runs; nil for none.
    public var healthPath: String? = "_health"

    /// Creates the default configuration.
    public init() {}
}

/// Checks an app's page and assets options.
enum OptionRules {
    static func sentences(page: PageOptions, assets: AssetsOptions) -> [String] {
        template(page) + headers(page) + patterns(assets)
    }

    private static func template(_ page: PageOptions) -> [String] {
        guard let template = page.template else { return [] }
        let missing = IndexPage.neededPlaces.filter { !template.contains("{%\($0)%}") }.map { "{%\($0)%}" }
        if missing.isEmpty { return [] }
        return ["app.page.template lacks \(missing.joined(separator: ", ")). Add it, or the page cannot start."]
    }

    private static func headers(_ page: PageOptions) -> [String] {
        guard page.csrfCookie.isEmpty || page.csrfHeader.isEmpty else { return [] }
        return ["app.page.csrfCookie or csrfHeader is empty. Set it to the name that your middleware checks."]
    }

    private static func patterns(_ assets: AssetsOptions) -> [String] {
        (assets.ignoreFolders + [assets.ignore].compactMap(\.self)).compactMap { pattern in
            if (try? Regex(pattern)) != nil { return nil }
            return "Invalid regular expression “\(pattern)” in app.assets."
        }
    }
}

/// Paths at which apps are mounted: `/`, or parts between slashes.
enum MountPath {
    /// `path` with a slash at both ends; nil for an invalid path.
    static func normalized(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let isPlain = parts.allSatisfy { part in
            part != "." && part != ".."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"?#%\\\"<>".utf8.contains($0) }
        }
        guard isPlain else { return nil }
        return parts.isEmpty ? "/" : "/" + parts.joined(separator: "/") + "/"
    }

    /// The default name of an app mounted there: the path without its outer slashes, `app` for the root.
    static func name(of path: String) -> String {
        path == "/" ? "app" : String(path.dropFirst().dropLast())
    }
}
