public import Jobs
import Synchronization

/// A Dash app: a layout of components, and callbacks between their properties.
///
/// ```swift
/// let app = DashApp()
/// app.layout = html.Div("Hello")
/// try await app.run()
/// ```
///
/// Everything is declared before the app is run. Mistakes in it are told then, all at once, with file and line.
public final class DashApp: Sendable {
    /// Where a page's layout comes from.
    enum Layout: Sendable {
        case none
        case value(any Renderable)
        case function(@Sendable (PageRequest) async throws -> any Renderable)
    }

    struct Settings: Sendable {
        var layout = Layout.none
        var page = PageOptions()
        var assets = AssetsOptions()
        var jobContext = JobContext()
        var identify: (@Sendable (PageRequest) async throws -> String?)?
        var onError: (@Sendable (CallbackFailure) async throws -> Void)?
    }

    /// The name given; `nil` lets the path at which the app is mounted name it. A job's name begins with it.
    public let name: String?
    /// The title of the browser's tab.
    public let title: String
    /// The title while a callback runs; `nil` leaves the title as it is.
    public let updateTitle: String?
    /// The component suites besides Dash's own.
    public let suites: [SuiteManifest]
    /// The folder whose scripts, styles and other files are served with the app, from the working folder.
    public let assetsFolder: String
    /// Whether callbacks may name components that the first layout does not have.
    public let suppressCallbackExceptions: Bool
    /// What `preventInitialCall:` is for callbacks that do not say.
    public let preventInitialCalls: PreventInitialCall
    /// Where jobs are kept and run when the app is served alone; nil is the server itself.
    public let jobs: (any JobBackend)?
    let location: SourceLocation
    let registry = CallbackRegistry()
    let pageRegistry = PageRegistry()
    private let settings = Mutex(Settings())
    /// The title of apps that were given none.
    static let defaultTitle = "Dash"

    /// An app without a layout and callbacks.
    ///
    /// - Parameters:
    ///   - name: The first part of the names of its jobs; by default the path at which the app is mounted.
    ///   - title: The title of the browser's tab.
    ///   - updateTitle: The title while a callback runs; `nil` leaves the title as it is.
    ///   - suites: Component suites besides Dash's own (html, dcc, dash_table).
    ///   - assetsFolder: The folder whose files are served with the app; it need not be there.
    ///   - suppressCallbackExceptions: Whether callbacks may name components that the first layout does not have.
    ///   - preventInitialCalls: What `preventInitialCall:` is for callbacks that do not say.
    ///   - jobs: Where background jobs are kept and run: a `CeleryManager`, for several servers, and workers elsewhere. By
    ///     default the server does it. Apps of a ``DashSite`` share the site's.
    ///   - file: Where the app is declared, for messages.
    ///   - line: Where the app is declared, for messages.
    public init(
        name: String? = nil,
        title: String = "Dash",
        updateTitle: String? = "Updating...",
        suites: [SuiteManifest] = [],
        assetsFolder: String = "assets",
        suppressCallbackExceptions: Bool = false,
        preventInitialCalls: PreventInitialCall = false,
        jobs: (any JobBackend)? = nil,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        self.name = name
        self.title = title
        self.updateTitle = updateTitle
        self.suites = suites
        self.assetsFolder = assetsFolder
        self.suppressCallbackExceptions = suppressCallbackExceptions
        self.preventInitialCalls = preventInitialCalls
        self.jobs = jobs
        if jobs?.isShared == true { LaunchID.share() }
        location = SourceLocation(file: file, line: line)
    }

    /// A text that is the same from one launch of the program to its end, in the server and in all of its worker
    /// processes: `cache: .by({ launchID })` forgets its results at a restart.
    ///
    /// Where several servers share a queue it is the same on all of them, and in their workers, as long as they are of one
    /// build and have one `DASH_SECRET_KEY`.
    public var launchID: String { LaunchID.current }

    func withSettings<Result: Sendable>(_ body: (inout sending Settings) -> sending Result) -> Result {
        settings.withLock { body(&$0) }
    }
}
