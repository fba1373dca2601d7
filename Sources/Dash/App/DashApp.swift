import DashJSON
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
/// Declare everything before the app runs. Mistakes are reported at start, all at once, with file and line.
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

    /// The app's name, the first part of its jobs' names; `nil` uses the path at which the app is mounted.
    public let name: String?
    /// The title of the browser tab.
    public let title: String
    /// The title while a callback runs; `nil` keeps the title.
    public let updateTitle: String?
    /// Component suites besides Dash's own (html, dcc, dash_table).
    private let suites: [SuiteManifest]
    /// The folder whose files are served with the app, relative to the working directory.
    private let assetsFolder: String
    /// Whether callbacks may refer to components that are not in the first layout.
    private let suppressCallbackExceptions: Bool
    /// The default of `preventInitialCall:`.
    private let preventInitialCalls: PreventInitialCall
    /// Where jobs are stored and run when the app is served alone; `nil` uses the server itself.
    private let jobs: (any JobBackend)?
    private let location: SourceLocation
    let registry = CallbackRegistry()
    let pageRegistry = PageRegistry()
    private let settings = Mutex(Settings())
    static let defaultTitle = "Dash"

    /// Creates an app without a layout and callbacks.
    ///
    /// - Parameters:
    ///   - name: The first part of its jobs' names; by default the path at which the app is mounted.
    ///   - title: The title of the browser tab.
    ///   - updateTitle: The title while a callback runs; `nil` keeps the title.
    ///   - suites: Component suites besides Dash's own (html, dcc, dash_table).
    ///   - assetsFolder: The folder whose files are served with the app; it may be missing.
    ///   - suppressCallbackExceptions: Whether callbacks may refer to components that are not in the first layout.
    ///   - preventInitialCalls: The default of `preventInitialCall:`.
    ///   - jobs: Where background jobs are stored and run, such as a `CeleryManager` for several servers and separate
    ///     workers. By default the server itself. Apps of a ``DashSite`` use the site's.
    ///   - file: The file of the declaration, for messages.
    ///   - line: The line of the declaration, for messages.
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

    /// The ID of this launch of the program, the same in the server and its worker processes.
    /// `cache: .by({ launchID })` drops cached results at a restart.
    ///
    /// Servers that share a queue, and their workers, have the same ID if they run the same build with the same
    /// `DASH_SECRET_KEY`.
    public var launchID: String { LaunchID.current }

    func withSettings<Result: Sendable>(_ body: (inout sending Settings) -> sending Result) -> Result {
        settings.withLock { body(&$0) }
    }
}

// MARK: - Serving

extension DashApp {
    /// Serves this app alone, at the root; see ``DashSite/run(arguments:)``.
    ///
    /// - Parameters:
    ///   - configuration: How the app is served; the command line and the environment take precedence.
    ///   - arguments: The command line after the program's name; `nil` uses the process's own.
    public func run(_ configuration: SiteConfiguration = SiteConfiguration(), arguments: [String]? = nil) async throws {
        let site = DashSite(configuration, jobs: jobs)
        site.mount(self, at: "/")
        try await site.run(arguments: arguments)
    }

    /// The versions of the component suites that must be installed.
    var suiteLock: SuiteLock { SuiteLock(manifests: suites) }

    /// The files of the component suites, which must be installed.
    ///
    /// - Parameter search: Where to look for them; nil serves none.
    func suiteFiles(in search: SuiteSearch?) throws -> SuiteFiles {
        guard let search else { return SuiteFiles(withoutFilesOf: suites, lock: suiteLock) }
        return try SuiteFiles(folder: .locate(suiteLock, search: search), suites: suites)
    }

    func makeAssets() -> LiveAssets { LiveAssets(path: assetsFolder, assets) }

    /// Creates the callbacks of the pages anew, after a change of the pages.
    func updatePageCallbacks() {
        registry.pageCallbacks = PageCallbacks(pageRegistry, appTitle: title, declaration: location).all
    }
}

// MARK: - Options

extension DashApp {
    /// The page's layout: a component, a text, or a list of these. It reads as an empty list if it is not set or if
    /// ``layout(_:)`` builds it.
    public var layout: any Renderable {
        get {
            if case .value(let layout) = layoutSource { layout } else { [Element]() }
        }
        set { withSettings { $0.layout = .value(newValue) } }
    }

    /// Builds the layout anew for each load of the page.
    ///
    /// - Parameter make: Builds the layout. A thrown error is reported to the page as a server error.
    public func layout(_ make: @escaping @Sendable (_ request: PageRequest) async throws -> any Renderable) {
        withSettings { $0.layout = .function(make) }
    }

    /// The parts of the starting request that a job can read; none by default.
    public var jobContext: JobContext {
        get { withSettings { $0.jobContext } }
        set { withSettings { $0.jobContext = newValue } }
    }

    /// Sets the owner of what a request starts. Only the owner receives a job's progress and result.
    ///
    /// - Parameter owner: Returns the user's name, or `nil` for the browser's session, which is the default. A thrown
    ///   error rejects the request.
    public func identify(_ owner: @escaping @Sendable (_ request: PageRequest) async throws -> String?) {
        withSettings { $0.identify = owner }
    }

    /// Handles errors of callbacks without an `onError`; the outputs keep their values.
    ///
    /// - Parameter handle: Runs in the web process in the callback's context, so it can use
    ///   ``setProps(_:_:)-(_,Value)``. An error it throws is reported to the page in place of the first one.
    public func onError(_ handle: @escaping @Sendable (_ failure: CallbackFailure) async throws -> Void) {
        withSettings { $0.onError = handle }
    }

    /// The source of the layout; an app with pages and no layout consists of the page container.
    var layoutSource: Layout {
        let layout = withSettings { $0.layout }
        if case .none = layout, pageRegistry.isUsed { return .value(pageContainer) }
        return layout
    }

    /// Every mistake that can be found before a page is loaded.
    var findings: [Finding] {
        var findings = registry.findings
        findings += OptionRules.sentences(page: page, assets: assets).map(location.finding)
        return findings + PageRules(pageRegistry).findings + layoutFindings
    }

    /// Ids that callbacks use and no layout has, if all layouts are known.
    private func missingIDs(_ layout: any Renderable, _ rules: LayoutRules) -> [Finding] {
        if suppressCallbackExceptions { return [] }
        let own = page.validationLayout
        guard let pages = knownPageLayouts ?? own.map({ _ in [] }) else { return [] }
        let whole = ([layout] + pages + [own].compactMap(\.self)).map(\.json)
        // A missing page container is reported already; without it, every component of the pages would be missing.
        let callbacks = registry.callbacks + (rules.has(PageCallbacks.contentID) ? registry.pageCallbacks : [])
        return LayoutRules(.array(whole), at: location).missing(in: callbacks)
    }

    /// The mistake of an app of a site with its own jobs.
    var ownJobsFinding: Finding? {
        guard jobs != nil else { return nil }
        return location.finding("An app of a site cannot have its own jobs:. Use DashSite(jobs:).")
    }

    /// Whether the browser checks the ids of callbacks. A property of a page may be set after the page was left: a job
    /// continues when its visitor leaves, and the browser would report each of its updates as a mistake.
    var checksIDs: Bool {
        let outlivesPages =
            pageRegistry.isUsed && registry.callbacks.contains { $0.kind == .background || !$0.running.isEmpty }
        return !suppressCallbackExceptions && !outlivesPages
    }

    private var layoutFindings: [Finding] {
        switch layoutSource {
        case .none: return [location.finding("The app has no layout. Set app.layout.")]
        case .function: return []
        case .value(let layout):
            let rules = LayoutRules(layout.json, at: location)
            return rules.findings + pageFindings(beside: rules, at: location) + missingIDs(layout, rules)
        }
    }
}

/// The common path of all overloads of `callback` and `backgroundCallback`.
extension DashApp {
    /// The options of a registration, besides outputs and inputs.
    struct Registration: Sendable {
        var running: [Running]
        /// `nil` uses the app's default.
        var preventInitialCall: PreventInitialCall?
        var name: String?
        var location: SourceLocation
        var background: BackgroundOptions?
        var optional = false
        var hidden = false
        var clientside: ClientsideFunction?

        fileprivate var kind: Callback.Kind {
            if clientside != nil { return .clientside }
            return background == nil ? .regular : .background
        }
    }

    /// Registers a callback.
    ///
    /// - Parameters:
    ///   - output: The outputs.
    ///   - inputs: The inputs and states, one list for each argument of the closure.
    ///   - types: The types of these arguments, as text.
    ///   - onError: Returns the outputs' values in place of an error.
    ///   - registration: The options.
    ///   - perform: Reads the arguments and calls the user's closure.
    func register<O: OutputSet>(
        _ output: O,
        inputs: [[Slot]],
        types: [String],
        onError: (@Sendable (CallbackFailure) async throws -> O.Values?)?,
        _ registration: Registration,
        perform: @escaping @Sendable (inout ArgumentReader, CallbackContext) async throws -> O.Values
    ) {
        let slots = inputs.flatMap(\.self)
        let outputs = output.outputSlots
        let identity = CallbackIdentity(name: registration.name, slots: slots, location: registration.location)
        let reserved = registration.reservedOutput(outputs: outputs, slots: slots)
        let id =
            reserved.map(identity.text(reserved:)) ?? identity.text(outputs: outputs, isMultiple: output.isMultiple)
        registry.add(
            Callback(
                id: id,
                givenName: registration.name,
                outputs: outputs,
                reservedOutput: reserved,
                slots: slots,
                background: registration.background,
                running: registration.running,
                preventInitialCall: registration.preventInitialCall ?? preventInitialCalls,
                location: registration.location,
                signature: "(\(types.joined(separator: ", "))) -> \(O.Values.self)",
                kind: registration.kind,
                perform: Self.erased(output, perform),
                onError: onError.map { Self.erased(output, $0) },
                isMultiple: output.isMultiple,
                isOptional: registration.optional,
                isHidden: registration.hidden,
                clientside: registration.clientside
            )
        )
    }

    private static func erased<O: OutputSet>(
        _ output: O,
        _ perform: @escaping @Sendable (inout ArgumentReader, CallbackContext) async throws -> O.Values
    ) -> Callback.Perform {
        { arguments, context in
            try await CallbackContext.$current.withValue(context) {
                var reader = ArgumentReader(arguments)
                return try output.checkedUpdates(try await perform(&reader, context))
            }
        }
    }

    private static func erased<O: OutputSet>(
        _ output: O,
        _ onError: @escaping @Sendable (CallbackFailure) async throws -> O.Values?
    ) -> Callback.OnError {
        { failure, context in
            try await CallbackContext.$current.withValue(context) {
                try await onError(failure).map { try output.checkedUpdates($0) } ?? []
            }
        }
    }
}

extension DashApp.Registration {
    /// The output that stands for a background callback without outputs in requests.
    fileprivate func reservedOutput(outputs: [OutputSlot], slots: [Slot]) -> PropertyRef? {
        guard background != nil, outputs.isEmpty, let input = slots.first(where: { !$0.isState }) else { return nil }
        return PropertyRef(id: input.ref.id, property: "id")
    }
}
