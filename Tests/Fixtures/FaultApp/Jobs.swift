import Dash
import Foundation

/// A job of six seconds that notes a line each half second; lost if the server is killed.
func long() -> DashApp { slowApp(noting: "long") }

/// The same job, retried when it is lost.
func retried() -> DashApp { slowApp(noting: "retried", retries: .upTo(3, backoff: .constant(.milliseconds(100)))) }

private func slowApp(noting file: String, retries: RetryPolicy = .none) -> DashApp {
    let page = JobPage(), bar = html.Progress.id("bar")
    let app = DashApp()
    app.layout = page.layout + [html.Progress(id: bar, value: "0")]
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        cancel: [Input(page.stop.nClicks)],
        progress: Outputs(bar.value, bar.max),
        retries: retries,
        preventInitialCall: true
    ) { setProgress, clicks in
        for step in 1...12 {
            try await Task.sleep(for: .milliseconds(500))
            note("\(step)", in: file)
            setProgress("\(step)", "12")
        }
        return "done \(clicks ?? 0)"
    }
    return app
}

/// A job with a unique result for each run.
func own() -> DashApp {
    let page = JobPage(), app = DashApp()
    app.layout = page.layout
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        running: page.running,
        preventInitialCall: true
    ) { clicks in
        try await Task.sleep(for: .seconds(1))
        let token = UUID().uuidString
        note(token, in: "own")
        return "\(clicks ?? 0) \(token)"
    }
    return app
}
