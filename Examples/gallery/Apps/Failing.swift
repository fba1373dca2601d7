import Dash

/// The job throws; `onError` shows the error in the page. It runs in a web server, once for each failed job.
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
        onError: { failure in "The job failed: \(failure.message), \(clock.now - started) after the launch" }
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
