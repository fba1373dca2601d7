import Dash

/// Every fourth click resets the count to zero; later clicks get cached results.
///
/// `launchID` changes with each launch of the program, so a restart invalidates the cache.
func caching() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    let app = DashApp()
    let launchID = app.launchID
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop, disabled: true),
    ]
    app.backgroundCallback(
        Outputs(paragraph.children, run.nClicks),
        Input(run.nClicks),
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
        ],
        cancel: [Input(stop.nClicks)],
        cache: .by({ launchID }, expire: .seconds(60))
    ) { clicks in
        try await Task.sleep(for: .seconds(2))
        return ("Clicked \(clicks ?? 0) times", (clicks ?? 0) % 4)
    }
    return app
}
