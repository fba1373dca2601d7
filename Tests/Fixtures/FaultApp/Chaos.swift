import Dash
import Foundation

/// A job for runs of random faults. All its updates contain the id of the run, so that a page's history shows their
/// origin. The order is `NAME.STEPS`; each step takes a tenth of a second.
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

/// Notes the time of an event of a run.
private func record(_ event: String, of run: String, _ order: String) {
    note("\(event) \(run) \(Date().timeIntervalSince1970) \(order)", in: "runs")
}
