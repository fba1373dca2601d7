import Dash

/// Five jobs on one page, each with its own buttons: more than a browser's connections if each held one.
func many() -> DashApp {
    let app = DashApp()
    var layout: [Element] = []
    for number in 1...5 {
        let text = html.P.id("text\(number)")
        let run = html.Button.id("run\(number)"), stop = html.Button.id("stop\(number)")
        layout += [
            html.P("nothing yet", id: text),
            html.Button("Run", id: run),
            html.Button("Stop", id: stop, disabled: true),
        ]
        app.backgroundCallback(
            Output(text.children),
            Input(run.nClicks),
            running: [.set(run.disabled, to: true, finally: false), .set(stop.disabled, to: false, finally: true)],
            cancel: [Input(stop.nClicks)],
            preventInitialCall: true
        ) { clicks in
            note("\(number)", in: "many")
            try await Task.sleep(for: .seconds(30))
            return "done \(clicks ?? 0)"
        }
    }
    app.layout = layout
    return app
}
