import Dash

/// 10,000 components, made once.
func largeLayout() -> DashApp {
    let app = DashApp()
    app.layout = tenThousandComponents()
    return app
}

/// 10,000 components, made anew for each load of the page.
func largeLayoutOfEachLoad() -> DashApp {
    let app = DashApp()
    app.layout { _ in tenThousandComponents() }
    return app
}

private func tenThousandComponents() -> Element {
    html.Div(
        (0..<2500).map { row in
            html.Div(
                [
                    html.Label("Row \(row)", id: "label\(row)"),
                    dcc.Input(id: "input\(row)", value: "value \(row)", type: "text", debounce: true),
                    html.Button("Save", id: "save\(row)", nClicks: 0, className: "small", style: ["marginLeft": "4px"]),
                ],
                id: "row\(row)",
                className: "row"
            )
        }
    )
}
