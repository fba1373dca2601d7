import Dash

/// A second button cancels the job.
func cancel() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop, disabled: true),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
        ],
        cancel: [Input(stop.nClicks)]
    ) { clicks in
        try await Task.sleep(for: .seconds(2))
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}
