import Dash

/// The job advances a progress bar once a second, while the text is hidden.
func progress() -> DashApp {
    let paragraph = html.P.id("paragraph_id"), bar = html.Progress.id("progress_bar")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    let app = DashApp()
    app.layout = [
        html.Div([html.P("Button not clicked", id: paragraph), html.Progress(id: bar, value: "0")]),
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
            .set(bar.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
        ],
        cancel: [Input(stop.nClicks)],
        progress: Outputs(bar.value, bar.max),
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 0...5 {
            setProgress("\(step)", "5")
            try await Task.sleep(for: .seconds(1))
        }
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}
