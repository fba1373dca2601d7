extension DashApp {
    /// The pages, in the order for links to them: by their `order`, then those without one as they were added. `/` comes
    /// first where no page has an order.
    ///
    /// ```swift
    /// app.layout = html.Div([html.Nav(app.pages.map { $0.link() }), app.pageContainer])
    /// ```
    ///
    /// It has the pages added until now, so add them before.
    public var pages: [DashPage] { pageRegistry.ordered }

    /// Where the pages are shown: one place in the app's layout. An app with pages and without a layout is this alone.
    public var pageContainer: Element { PageCallbacks.container }

    /// The browser's address, as the app's pages see it.
    ///
    /// `cancel: [Input(app.pageLocation.pathname)]` ends a background job when its visitor goes to another page.
    public var pageLocation: dcc.LocationRef { PageCallbacks.location }

    /// What layouts of pages may read besides the address: a ``State``, or an ``Input`` whose changes make the page anew.
    ///
    /// ```swift
    /// let language = dcc.RadioItems.id("language")
    /// app.routingCallbackInputs = [State(language.value)]
    /// app.page("/") { visit in visit[language.value] == "de" ? "Willkommen" : "Welcome" }
    /// ```
    ///
    /// Their components belong into the app's layout, where they stay when the page changes.
    public var routingCallbackInputs: [any Dependency] {
        get { pageRegistry.inputs }
        set {
            pageRegistry.inputs = newValue
            registry.pageCallbacks = PageCallbacks(self).all
        }
    }

    /// Sets the page for addresses that no page has, and for ``PageNotFound``. By default it is a heading that says so.
    ///
    /// - Parameters:
    ///   - title: The title of the browser's tab; by default the app's.
    ///   - description: For search engines and previews of links.
    ///   - layout: What the page shows.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    public func notFoundPage(
        title: PageText? = nil,
        description: PageText? = nil,
        layout: any Renderable,
        file: StaticString = #fileID,
        line: UInt = #line
    ) {
        let texts = DashPage.Texts(title: title, description: description)
        addNotFound(texts, .value(layout), SourceLocation(file: file, line: line))
    }

    /// Sets the page for addresses that no page has, and for ``PageNotFound``, made anew for each visit.
    ///
    /// - Parameters:
    ///   - title: The title of the browser's tab; by default the app's.
    ///   - description: For search engines and previews of links.
    ///   - file: Where it is declared, for messages.
    ///   - line: Where it is declared, for messages.
    ///   - layout: Makes what the page shows; ``PageVisit/path`` is the address that no page has.
    public func notFoundPage(
        title: PageText? = nil,
        description: PageText? = nil,
        file: StaticString = #fileID,
        line: UInt = #line,
        layout: @escaping @Sendable (_ visit: PageVisit) async throws -> any Renderable
    ) {
        let texts = DashPage.Texts(title: title, description: description)
        addNotFound(texts, .function(layout), SourceLocation(file: file, line: line))
    }

    /// A path below the app's own as the browser needs it: with the path at which the app is mounted, and the prefix of a
    /// proxy. For callbacks; a layout that is made before the app is mounted takes ``link(_:to:className:)``.
    public func relativePath(_ path: String) -> String { pageRegistry.place.address(of: path) }

    /// A `dcc.Link` to a path below the app's own, wherever the app is mounted.
    ///
    /// ```swift
    /// let menu = html.Ul(["north", "south"].map { region in html.Li(app.link(region, to: "/regions/\(region)")) })
    /// ```
    ///
    /// - Parameters:
    ///   - children: What is clicked.
    ///   - path: The path, with a query if need be.
    ///   - className: The CSS classes.
    public func link(_ children: any Renderable, to path: String, className: String? = nil) -> Element {
        pageRegistry.place.link(children, to: path, className: className)
    }

    private func addNotFound(_ texts: DashPage.Texts, _ source: PageLayout.Source, _ location: SourceLocation) {
        pageRegistry.addNotFound(
            DashPage(
                path: "/",
                pathTemplate: nil,
                name: title,
                order: nil,
                redirectFrom: [],
                groups: [],
                template: PathTemplate("/"),
                texts: texts.of(self),
                layout: PageLayout(source: source),
                location: location,
                place: pageRegistry.place
            )
        )
        registry.pageCallbacks = PageCallbacks(self).all
    }

    func addPage(_ page: DashPage) {
        pageRegistry.add(page)
        registry.pageCallbacks = PageCallbacks(self).all
    }
}
