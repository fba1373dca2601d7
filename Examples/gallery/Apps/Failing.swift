import Dash

/// The job throws; `onError` says in the page what went wrong. It runs once for each job that fails, in a web server.
func failing() -> DashApp {
    let paragraph = html.P.id("paragraph_id")
    let run = html.Button.id("button_id")

    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
    ]
    let clock = ContinuousClock(), started = clock.now
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        preventInitialCall: true,
        onError: { failure in "It did not work: \(failure.message), told \(clock.now - started) after the start" }
    ) { clicks in
        try await Task.sleep(for: .milliseconds(500))
        throw DiskIsFull(attempt: clicks ?? 0)
    }
    return app
}

private struct DiskIsFull: Error, CustomStringConvertible {
    let attempt: Int
    var description: String { "the disk was full at click \(attempt)" }
}
