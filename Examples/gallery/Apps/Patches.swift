import Dash

/// A click sends one point and one title instead of the whole figure.
func patches() -> DashApp {
    let add = html.Button.id("add"), chart = dcc.Graph.id("chart")
    let figure = go.Figure(data: [go.Bar(y: [1, 3, 2])], layout: dict(title: dict(text: "3 points"), height: 300))

    let app = DashApp()
    app.layout = [html.Button("Add a point", id: add), dcc.Graph(id: chart, figure: figure)]
    app.callback(Output(chart.figure).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
        let clicks = clicks ?? 0
        var figure = Patch()
        figure.data[0].y.append(1 + clicks % 4)
        figure.layout.title.text = "\(3 + clicks) points"
        return figure
    }
    return app
}
