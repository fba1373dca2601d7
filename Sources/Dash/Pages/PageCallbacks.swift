import DashJSON

/// The callbacks that show an app's pages, and their components (docs/protocol.md, Pages).
struct PageCallbacks: Sendable {
    private let pages: PageRegistry
    private let appTitle: String
    private let declaration: SourceLocation

    static let location = dcc.Location.id("_pages_location")
    private static let content = html.Div.id("_pages_content")
    private static let store = dcc.Store.id("_pages_store")
    private static let dummy = html.Div.id("_pages_dummy")

    /// The id of the page container's content.
    static var contentID: ComponentID { content.componentID }

    /// The components, as in Dash.
    static var container: Element {
        html.Div([
            dcc.Location(id: location, refresh: "callback-nav"),
            html.Div(id: content, disableNClicks: true),
            dcc.Store(id: store),
            html.Div(id: dummy, disableNClicks: true),
        ])
    }

    /// Creates the callbacks of an app's pages.
    ///
    /// - Parameter declaration: Where the app is declared.
    init(_ pages: PageRegistry, appTitle: String, declaration: SourceLocation) {
        self.pages = pages
        self.appTitle = appTitle
        self.declaration = declaration
    }

    /// The callbacks, in the order of the dependencies; empty for an app without pages.
    var all: [Callback] { pages.isUsed ? [routing, titling] : [] }

    /// Responds to each change of the address with the page and its title.
    private var routing: Callback {
        let output = Outputs(Self.content.children, Self.store.data)
        let slots =
            [Self.location.pathname, Self.location.search].flatMap { Input($0).slots } + pages.inputs.flatMap(\.slots)
        var callback = callback(output.outputSlots, isMultiple: true, slots, preventInitialCall: .yes) {
            arguments,
            context in
            try await CallbackContext.$current.withValue(context) {
                let (content, title) = try await shown(arguments, slots, context)
                return try output.checkedUpdates((content, ["title": .string(title)]))
            }
        }
        callback.isHidden = true
        return callback
    }

    /// Sets the tab's title from the other callback's result, and notifies our script that the page is shown.
    private var titling: Callback {
        let output = Output(Self.dummy.children)
        var callback = callback(
            output.outputSlots,
            isMultiple: false,
            Input(Self.store.data).slots,
            preventInitialCall: .no,
            kind: .clientside
        ) { _, _ in [] }
        callback.isHidden = nil
        callback.clientside = """
            function (data) {
                if (data && data.title) {
                    document.title = data.title;
                    window.dispatchEvent(new CustomEvent('dash-swift-page', {detail: data}));
                }
                return window.dash_clientside.no_update;
            }
            """
        return callback
    }

    private func callback(
        _ outputs: [OutputSlot],
        isMultiple: Bool,
        _ slots: [Slot],
        preventInitialCall: PreventInitialCall,
        kind: Callback.Kind = .regular,
        perform: @escaping Callback.Perform
    ) -> Callback {
        let identity = CallbackIdentity(name: nil, slots: slots, location: declaration)
        return Callback(
            id: identity.text(outputs: outputs, isMultiple: isMultiple),
            outputs: outputs,
            slots: slots,
            preventInitialCall: preventInitialCall,
            location: declaration,
            kind: kind,
            perform: perform,
            isMultiple: isMultiple
        )
    }
}

extension PageCallbacks {
    private func shown(
        _ arguments: [JSON],
        _ slots: [Slot],
        _ context: CallbackContext
    ) async throws -> (any Renderable, String) {
        var visit = PageVisit(
            path: pages.place.path(of: arguments[0].stringValue ?? "/"),
            query: QueryParameters(arguments[1].stringValue ?? "")
        )
        if case .whole(let request, _) = context.request { visit.request = request }
        for (slot, value) in zip(slots, arguments).dropFirst(2) { visit.values[slot.ref] = value }
        if let match = pages.match(visit.path) {
            visit.variables = match.variables
            do {
                return (try await match.page.layout.content(for: visit), match.page.title(for: visit))
            } catch is PageNotFound {
                visit.variables = [:]
            }
        }
        guard let page = pages.notFound else { return (html.H1("404 - Page not found"), appTitle) }
        return (try await page.layout.content(for: visit), page.title(for: visit))
    }
}
