import Dash

/// The button is disabled while the job runs, whatever its outcome.
func running() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id")

    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        running: [.set(run.disabled, to: true, finally: false)]
    ) { clicks in
        try await Task.sleep(for: .seconds(2))
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}
