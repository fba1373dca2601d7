import Dash
import Foundation

/// A job for runs of random faults: all it tells names the run that tells it, so that a history of what pages were told
/// shows whose it was. The order is `NAME.STEPS`, with so many steps of a tenth of a second.
func chaos() -> DashApp {
    let page = JobPage(), app = DashApp()
    let order = dcc.Input.id("order"), bar = html.Progress.id("bar")
    app.layout = page.layout + [dcc.Input(id: order), html.Progress(id: bar)]
    app.backgroundCallback(
        Output(page.text.children),
        Input(page.run.nClicks),
        State(order.value),
        cancel: [Input(page.stop.nClicks)],
        progress: Outputs(bar.value),
        retries: .upTo(50, backoff: .constant(.milliseconds(100))),
        preventInitialCall: true
    ) { setProgress, _, order in
        let order = order ?? "", run = UUID().uuidString
        record("begin", of: run, order)
        let steps = order.split(separator: ".").last.flatMap { Int($0) } ?? 0
        for step in 0..<steps {
            setProgress("\(run) \(step)")
            try await Task.sleep(for: .milliseconds(100))
        }
        record("end", of: run, order)
        return "\(order) \(run)"
    }
    return app
}

/// Notes when something happened to a run.
private func record(_ event: String, of run: String, _ order: String) {
    note("\(event) \(run) \(Date().timeIntervalSince1970) \(order)", in: "runs")
}
