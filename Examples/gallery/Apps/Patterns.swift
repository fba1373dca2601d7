import Dash

/// Any number of rows, each with its own job; the jobs run concurrently.
func patterns() -> DashApp {
    let add = html.Button.id("add"), rows = html.Div.id("rows"), total = html.P.id("total")
    let run = html.Button.family("run"), stop = html.Button.family("stop")
    let bar = html.Progress.family("bar"), result = html.P.family("result")

    let app = DashApp()
    app.layout = [html.Button("Add a row", id: add), html.Div([html.Hr()], id: rows), html.P(id: total)]
    app.callback(Output(rows.children).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
        let row = clicks ?? 0
        var children = Patch()
        children.append(
            html.Div([
                html.Button("Run", id: run[row]), html.Button("Cancel", id: stop[row], disabled: true),
                html.Progress(id: bar[row], max: "5", value: "0"), html.P("Row \(row)", id: result[row]),
            ])
        )
        return children
    }
    app.backgroundCallback(
        Output(result.match.children),
        Input(run.match.nClicks),
        running: [
            .set(run.match.disabled, to: true, finally: false),
            .set(stop.match.disabled, to: false, finally: true),
        ],
        cancel: [Input(stop.match.nClicks)],
        progress: Output(bar.match.value),
        progressDefault: "0",
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...5 {
            setProgress("\(step)")
            try await Task.sleep(for: .milliseconds(400))
        }
        return "Done \(clicks ?? 0) times"
    }
    app.callback(Output(total.children), Input(result.all.children)) { results in
        "\(results.count) rows, \(results.count { $0.jsonText.contains("Done") }) done"
    }
    return app
}
