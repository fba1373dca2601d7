import Dash

/// What all pages have: a text, a button to start and a button to cancel.
struct JobPage {
    let text = html.P.id("text"), run = html.Button.id("run"), stop = html.Button.id("stop")

    var layout: [Element] {
        [
            html.P("nothing yet", id: text),
            html.Button("Run", id: run),
            html.Button("Stop", id: stop, disabled: true),
        ]
    }

    /// While the job runs, one button is off and the other on.
    var running: [Running] {
        [.set(run.disabled, to: true, finally: false), .set(stop.disabled, to: false, finally: true)]
    }
}
