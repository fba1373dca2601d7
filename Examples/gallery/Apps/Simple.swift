import Dash

/// A click starts a job in a worker process; two seconds later its result replaces the text.
func simple() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id")

    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
    ]
    app.backgroundCallback(Output(paragraph.children), Input(run.nClicks)) { clicks in
        try await Task.sleep(for: .seconds(2))
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}
