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
