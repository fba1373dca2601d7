import Dash

/// Pages with a menu. A job continues while another page is shown, and its page shows it again on return.
func pages() -> DashApp {
    let app = DashApp(title: "Pages")
    app.page(
        "/",
        name: "Home",
        layout: html.P("Start a report, open a region in the meantime, and come back.", id: "home")
    )
    report(in: app)
    let side: Style = ["display": "flex", "gap": "1rem"]
    let cities = ["north": "Aalborg", "south": "Cádiz"]
    let menu = cities.keys.sorted().map { app.link($0, to: "/regions/\($0)") }
    let regions = app.pageGroup("/regions", name: "Regions") { page, visit in
        html.Section([html.H3("Region: \(visit["region"] ?? "")"), html.Nav(menu, style: side), html.Div(page)])
    }
    regions.page("/<region>", title: .by { "The \($0["region"] ?? "region")" }) { visit in
        guard let city = cities[visit["region"] ?? "north"] else { throw PageNotFound() }
        return html.P("\(city), \(visit.query["unit"] ?? "km")", id: "city")
    }
    app.notFoundPage(title: "Not found") { visit in html.P("There is nothing at \(visit.path).", id: "missing") }
    let links = app.pages.filter { $0.pathTemplate == nil }.map { $0.link() }
    app.layout = html.Div([
        html.Nav(links + [app.link("Regions", to: "/regions/north?unit=mi")], style: side), app.pageContainer,
    ])
    return app
}

private func report(in app: DashApp) {
    let run = html.Button.id("run"), stop = html.Button.id("stop")
    let bar = html.Progress.id("bar"), result = html.P.id("result")
    app.page(
        "/report",
        title: "A long report",
        redirectFrom: ["/old-report"],
        layout: html.Div([
            html.Button("Run", id: run), html.Button("Cancel", id: stop, disabled: true),
            html.Progress(id: bar, max: "12", value: "0"), html.P("Nothing yet", id: result),
        ])
    )
    app.backgroundCallback(
        Output(result.children),
        Input(run.nClicks),
        running: [.set(run.disabled, to: true, finally: false), .set(stop.disabled, to: false, finally: true)],
        cancel: [Input(stop.nClicks)],
        progress: Output(bar.value),
        progressDefault: "0",
        preventInitialCall: true
    ) { setProgress, _ in
        for step in 1...12 {
            setProgress("\(step)")
            try await Task.sleep(for: .milliseconds(500))
        }
        return "The report is done"
    }
}
