import Dash

/// A job that does nothing, to show the round trip.
func empty() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id")

    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
    ]
    app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { clicks in
        "Clicked \(clicks ?? 0) times"
    }
    return app
}
