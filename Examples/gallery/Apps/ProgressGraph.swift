import Dash

/// The job shows its progress as a Plotly bar, which is reset when the job ends.
func progressGraph() -> DashApp {
    let paragraph = html.P.id("paragraph_id"), graph = dcc.Graph.id("progress_bar_graph")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    let app = DashApp()
    app.layout = [
        html.Div([html.P("Button not clicked", id: paragraph), dcc.Graph(id: graph, figure: progressFigure(0, of: 10))]
        ),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop, disabled: true),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
            .set(paragraph.style, to: ["visibility": "hidden"], finally: ["visibility": "visible"]),
            .set(graph.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
        ],
        cancel: [Input(stop.nClicks)],
        progress: Output(graph.figure),
        progressDefault: progressFigure(0, of: 10)
    ) { setProgress, clicks in
        for step in 0..<10 {
            try await Task.sleep(for: .milliseconds(500))
            setProgress(progressFigure(step, of: 10))
        }
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}

private func progressFigure(_ step: Int, of total: Int) -> go.Figure {
    go.Figure(
        data: [go.Bar(x: [step])],
        layout: dict(
            xaxis: dict(range: [0, total]),
            yaxis: dict(showticklabels: false),
            height: 100,
            margin: dict(t: 20, b: 40)
        )
    )
}
