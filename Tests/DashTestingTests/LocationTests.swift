import Dash
import DashTesting
import Testing

/// The browser's address, and navigation by callbacks.
@Suite struct LocationTests {
    let location = dcc.Location.id("location"), content = html.Div.id("content"), go = html.Button.id("go")

    /// - Parameter refresh: The location's behavior when a callback sets it.
    private func app(refresh: String? = nil) -> DashApp {
        let app = DashApp()
        let place = Element(
            namespace: "dash_core_components",
            type: "Location",
            id: "location",
            props: refresh.map { ["refresh": $0 == "false" ? JSON.bool(false) : .string($0)] } ?? [:]
        )
        app.layout = [
            place, html.Button("Go", id: go), dcc.Link("Reports", id: "link", href: "/reports?year=2026"),
            html.Div(id: content),
        ]
        app.callback(Output(content.children), Input(location.pathname), Input(location.search)) { path, search in
            let changed = ctx.triggered.map(\.property).sorted().joined(separator: " ")
            return "\(path ?? "")\(search ?? "") by \(changed)"
        }
        app.callback(Output(location.pathname), Input(go.nClicks), preventInitialCall: true) { _ in "/far" }
        return app
    }

    @Test func pageBeginsWhereItIsOpened() async throws {
        var options = TestOptions()
        options.path = "a/b?c=d#e"
        try await app().test(options) { page in
            #expect(page.location.description == "/a/b?c=d#e")
            #expect(page[location.href] == "http://localhost/a/b?c=d#e")
            #expect(page[location.hash] == "#e")
            #expect(page[content.children] == "/a/b?c=d by pathname search")
        }
    }

    @Test func linksAndAddressesAreFollowed() async throws {
        try await app().test { page in
            #expect(page[content.children] == "/ by pathname search")
            try await page.click("link")
            #expect(page.location.description == "/reports?year=2026")
            #expect(page[content.children] == "/reports?year=2026 by pathname search")
            try await page.navigate(to: "/reports?year=2027")
            #expect(page[content.children] == "/reports?year=2027 by search")
            try await page.set(location.pathname, "/by/hand")
            #expect(page[content.children] == "/by/hand?year=2027 by pathname")
        }
    }

    @Test func callbackLoadsAnotherPage() async throws {
        try await app().test { page in
            try await page.click(go)
            #expect(page.location.pathname == "/far")
            // A new page: nothing was clicked on it.
            #expect(page[go.nClicks] == nil)
            #expect(page[content.children] == "/far by pathname search")
        }
    }

    @Test(arguments: ["callback-nav", "false"]) func callbackMovesWithoutALoad(refresh: String) async throws {
        try await app(refresh: refresh).test { page in
            try await page.click(go)
            #expect(page.location.pathname == "/far")
            #expect(page[go.nClicks] == 1)
            #expect(page[content.children] == "/far by pathname")
            #expect(page[location.href]?.hasSuffix("/far") == (refresh == "callback-nav"))
        }
    }

    @Test func titleOfAPageIsTheTabs() async throws {
        // As in multi-page apps, where a clientside function sets the title.
        let app = DashApp(title: "All")
        app.layout = [dcc.Location(id: location), dcc.Store(id: "_pages_store"), html.Div(id: "_pages_dummy")]
        app.callback(Output("_pages_store", "data"), Input(location.pathname)) { path -> JSON in
            dict(title: "Page \(path ?? "")")
        }
        app.clientsideCallback(
            "function (data) { document.title = data.title; }",
            Output("_pages_dummy", "children"),
            Input("_pages_store", "data")
        )
        try await app.test { page in
            #expect(page.title == "Page /")
            try await page.navigate(to: "/about")
            #expect(page.title == "Page /about")
        }
    }
}
