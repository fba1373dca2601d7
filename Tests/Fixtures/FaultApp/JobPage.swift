import Dash

/// The elements of all pages: a text, a start button and a cancel button.
struct JobPage {
    let text = html.P.id("text"), run = html.Button.id("run"), stop = html.Button.id("stop")

    var layout: [Element] {
        [
            html.P("nothing yet", id: text),
            html.Button("Run", id: run),
            html.Button("Stop", id: stop, disabled: true),
        ]
    }

    /// While the job runs, the start button is disabled and the cancel button enabled.
    var running: [Running] {
        [.set(run.disabled, to: true, finally: false), .set(stop.disabled, to: false, finally: true)]
    }
}
