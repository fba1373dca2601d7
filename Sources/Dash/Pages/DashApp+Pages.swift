extension DashApp {
    /// The pages in the order of links: by `order`, then in the order of registration. If no page has an order, `/`
    /// comes first.
    ///
    /// ```swift
    /// app.layout = html.Div([html.Nav(app.pages.map { $0.link() }), app.pageContainer])
    /// ```
    ///
    /// Contains only the pages added so far.
    public var pages: [DashPage] { pageRegistry.ordered }

    /// The container that shows the pages; use it once in the app's layout. It is the layout of an app that has pages
    /// and sets none.
    public var pageContainer: Element { PageCallbacks.container }

    /// The browser's address, as a component of the page container.
    ///
    /// `cancel: [Input(app.pageLocation.pathname)]` cancels a background job when its visitor goes to another page.
    public var pageLocation: dcc.LocationRef { PageCallbacks.location }

    /// Values that layouts of pages may read besides the address: a ``State``, or an ``Input`` whose changes rebuild
    /// the page.
    ///
    /// ```swift
    /// let language = dcc.RadioItems.id("language")
    /// app.routingCallbackInputs = [State(language.value)]
    /// app.page("/") { visit in visit[language.value] == "de" ? "Willkommen" : "Welcome" }
    /// ```
    ///
    /// Their components must be part of the app's layout, which stays when the page changes.
    public var routingCallbackInputs: [any Dependency] {
        get { pageRegistry.inputs }
        set {
            pageRegistry.inputs = newValue
            updatePageCallbacks()
        }
    }

    /// Sets the page for unknown addresses and for ``PageNotFound``; by default a heading.
    ///
    /// - Parameters:
    ///   - title: The title of the browser tab; by default the app's.
    ///   - description: The description for search engines and link previews.
    ///   - layout: The page's content.
    ///   - file: The file of the declaration, for messages.
    ///   - line: The line of the declaration, for messages.
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

    /// Sets the page for unknown addresses and for ``PageNotFound``, built for each visit. See
    /// ``notFoundPage(title:description:layout:file:line:)``.
    ///
    /// `layout` builds the page's content; ``PageVisit/path`` is the unknown address.
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

    /// The browser's address of a path relative to the app's, including the mount path and a proxy's prefix. For
    /// callbacks; a layout created before the app is mounted needs ``link(_:to:className:)``.
    public func relativePath(_ path: String) -> String { pageRegistry.place.address(of: path) }

    /// Creates a `dcc.Link` to a path relative to the app's.
    ///
    /// ```swift
    /// let menu = html.Ul(["north", "south"].map { region in html.Li(app.link(region, to: "/regions/\(region)")) })
    /// ```
    ///
    /// - Parameters:
    ///   - children: The link's content.
    ///   - path: The path, with an optional query.
    ///   - className: The CSS classes.
    public func link(_ children: any Renderable, to path: String, className: String? = nil) -> Element {
        pageRegistry.place.link(children, to: path, className: className)
    }

    private func addNotFound(_ texts: DashPage.Texts, _ source: PageContent.Source, _ location: SourceLocation) {
        pageRegistry.addNotFound(
            DashPage(
                path: "/",
                name: title,
                template: PathTemplate("/"),
                texts: texts.of(self),
                layout: PageContent(source: source),
                location: location,
                place: pageRegistry.place
            )
        )
        updatePageCallbacks()
    }

    func addPage(_ page: DashPage) {
        pageRegistry.add(page)
        updatePageCallbacks()
    }
}
