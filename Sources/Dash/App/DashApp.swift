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

// MARK: - Options

extension DashApp {
    /// What the page shows: a component, a text, or a list of these. Reads as an empty list while it is not set, and
    /// where ``layout(_:)`` makes it.
    public var layout: any Renderable {
        get {
            if case .value(let layout) = layoutSource { layout } else { [Element]() }
        }
        set { withSettings { $0.layout = .value(newValue) } }
    }

    /// Makes the layout anew for each load of the page.
    ///
    /// - Parameter make: Makes the layout. What it throws is told the page as an error of the server.
    public func layout(_ make: @escaping @Sendable (_ request: PageRequest) async throws -> any Renderable) {
        withSettings { $0.layout = .function(make) }
    }

    /// What of the request that starts a job the job can read; nothing by default.
    public var jobContext: JobContext {
        get { withSettings { $0.jobContext } }
        set { withSettings { $0.jobContext = newValue } }
    }

    /// Names the owner of what a request starts: a job, its progress and its result are answered to no one else.
    ///
    /// - Parameter owner: Gives the user's name, or `nil` for the browser's session, which is also the default. What it
    ///   throws refuses the request.
    public func identify(_ owner: @escaping @Sendable (_ request: PageRequest) async throws -> String?) {
        withSettings { $0.identify = owner }
    }

    /// Handles errors of callbacks that have no `onError` of their own; the outputs stay as they are.
    ///
    /// - Parameter handle: Runs in the web process, within the callback's context, so it can use
    ///   ``setProps(_:_:)-(_,Value)``. What it throws is told the page in place of the first error.
    public func onError(_ handle: @escaping @Sendable (_ failure: CallbackFailure) async throws -> Void) {
        withSettings { $0.onError = handle }
    }

    /// Where the layout comes from; that of an app with pages and none of its own is the pages alone.
    var layoutSource: Layout {
        let layout = withSettings { $0.layout }
        if case .none = layout, pageRegistry.isUsed { return .value(pageContainer) }
        return layout
    }

    /// Every mistake in the app that can be known before a page is loaded.
    var findings: [Finding] {
        var findings = registry.findings
        findings += OptionRules.sentences(page: page, assets: assets).map { Finding(location: location, sentence: $0) }
        return findings + PageRules(pageRegistry).findings + layoutFindings
    }

    /// What callbacks name and no layout has, where all layouts are known.
    private func missingIDs(_ layout: any Renderable, _ rules: LayoutRules) -> [Finding] {
        if suppressCallbackExceptions { return [] }
        let own = page.validationLayout
        guard let pages = knownPageLayouts ?? own.map({ _ in [] }) else { return [] }
        let whole = ([layout] + pages + [own].compactMap(\.self)).map(\.json)
        // Without its place for pages, which is told already, their callbacks have none of their components.
        let callbacks = registry.callbacks + (rules.has(PageCallbacks.contentID) ? registry.pageCallbacks : [])
        return LayoutRules(.array(whole), at: location).missing(in: callbacks)
    }

    private var layoutFindings: [Finding] {
        switch layoutSource {
        case .none: return [Finding(location: location, sentence: "The app has no layout: set app.layout.")]
        case .function: return []
        case .value(let layout):
            let rules = LayoutRules(layout.json, at: location)
            return rules.findings + pageFindings(beside: rules) + missingIDs(layout, rules)
        }
    }
}

/// What every overload of `callback` and `backgroundCallback` comes down to.
extension DashApp {
    /// The options of a registration, besides outputs and inputs.
    struct Registration: Sendable {
        var running: [Running]
        /// `nil` is what the app says.
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
    ///   - output: What it writes.
    ///   - inputs: What it reads, one for each argument of the closure.
    ///   - types: The types of these arguments, as text.
    ///   - onError: What to answer instead of an error.
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
                name: registration.name ?? id,
                isNamed: registration.name != nil,
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
    /// The output that a background callback without outputs is sent with.
    fileprivate func reservedOutput(outputs: [OutputSlot], slots: [Slot]) -> PropertyRef? {
        guard background != nil, outputs.isEmpty, let input = slots.first(where: { !$0.isState }) else { return nil }
        return PropertyRef(id: input.ref.id, property: "id")
    }
}
