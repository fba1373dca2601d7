import Dash

/// Typed pointer and layout events of a graph.
func events() -> DashApp {
    let chart = dcc.Graph.id("chart"), hovered = html.P.id("hovered"), selected = html.P.id("selected")
    let zoomed = html.P.id("zoomed"), restyled = html.P.id("restyled")
    let app = DashApp()
    let figure = go.Figure(
        data: [
            go.Scatter(
                x: [1, 2, 3],
                y: [1, 3, 2],
                mode: "markers",
                name: "a",
                customdata: [["k": "p"], ["k": "q"], ["k": "r"]] as JSON
            ),
            go.Scatter(x: [1, 2, 3], y: [2, 1, 3], mode: "markers", name: "b"),
        ],
        layout: dict(dragmode: "select", height: 400, showlegend: true)
    )
    app.layout = [
        dcc.Graph(id: chart, figure: figure), html.P(id: hovered), html.P(id: selected), html.P(id: zoomed),
        html.P(id: restyled),
    ]
    app.callback(Output(hovered.children), Input(chart.hoverData)) { event in
        event?.points.map { "\($0.curveNumber ?? -1) \($0.pointNumber ?? -1) \($0.x) \($0.y) \($0.customdata["k"])" }
            ?? []
    }
    app.callback(Output(selected.children), Input(chart.selectedData)) { selection in
        guard let selection else { return "nothing" }
        return
            "\(selection.points.map { "\($0.curveNumber ?? -1).\($0.pointNumber ?? -1)" }) \(selection.range["x"]?.count ?? 0)"
    }
    app.callback(Output(zoomed.children), Input(chart.relayoutData)) { change in
        "\(change?.range(of: "xaxis").map { "\($0)" } ?? "none") \(change?.isAutomatic("xaxis") ?? false)"
    }
    app.callback(Output(restyled.children), Input(chart.restyleData)) { change in
        "\(change?.traces ?? []) \(change?.value("visible", ofTrace: 1) ?? nil)"
    }
    return app
}
