@testable import Dash

extension ConformanceApp {
    static func pages() -> DashApp {
        let language = dcc.Dropdown.id("language")
        let app = DashApp(title: "Fixture", assetsFolder: "none")
        app.page.description = "default description"
        app.routingCallbackInputs = [State(language.value)]
        app.page(
            "/asset/<asset_id>",
            name: "Asset page",
            order: 5,
            title: .by { "Asset \($0["asset_id"] ?? "None")" }
        ) { visit in
            html.Div(
                "asset \(visit["asset_id"] ?? "None") in \(visit[language.value] ?? "None") with \(python(visit.query))"
            )
        }
        app.page("/", title: "Home title", description: "Home description") { visit in
            html.Div([
                html.H1("Home"), html.P("language \(visit[language.value] ?? "None"), other \(python(visit.query))"),
            ])
        }
        let button = html.Button.id("r"), out = html.Div.id("r-out")
        app.page(
            "/monthly-report",
            redirectFrom: ["/old-report", "/older"],
            layout: html.Div([html.Button("r", id: button), html.Div(id: out)])
        )
        app.callback(Output(out.children), Input(button.nClicks)) { clicks in "report \(clicks ?? 0)" }
        app.notFoundPage(layout: html.Div("nothing here", id: "not-found"))
        // Stock Dash also lists the not-found page.
        let links = app.pages.map { $0.link() } + [app.link("Not found 404", to: "/not-found-404")]
        app.layout = html.Div([
            html.Nav(links), dcc.Dropdown(id: language, options: ["en", "de"], value: "en"), app.pageContainer,
        ])
        return app
    }

    static func pagesPlain() -> DashApp {
        let app = DashApp(assetsFolder: "none")
        app.page.includesPageMeta = false
        app.page("/", name: "First", layout: html.Div("first page"))
        app.page("/second", order: 2, layout: html.Div("second page"))
        return app
    }

    /// The query as Python prints it as arguments.
    private static func python(_ query: QueryParameters) -> String {
        let items = query.names.map { name in
            let values = query.values(of: name).map { "'\($0)'" }
            return "'\(name)': \(values.count > 1 ? "[\(values.joined(separator: ", "))]" : values[0])"
        }
        return "{\(items.joined(separator: ", "))}"
    }
}
