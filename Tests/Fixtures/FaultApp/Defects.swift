import Dash

/// Cases that fail in stock Dash: ids with dots and non-ASCII characters, two cancel inputs on one component, jobs
/// without outputs that have the same inputs.
func defects() -> DashApp {
    let app = DashApp()
    let dotted = html.P.id(["file": "a.b", "größe": "ü.漢"]), echo = dcc.Input.id(["feld": "eingabe.ä"])
    let start = html.Button.id("start"), stop = html.Button.id("stop"), out = html.P.id("out")
    let both = html.Button.id("both"), first = html.P.id("first"), second = html.P.id("second")
    let other = html.Button.id("other")
    app.layout = [
        html.P("nothing yet", id: dotted), dcc.Input(id: echo, value: ""),
        html.P("nothing yet", id: out), html.Button("Start", id: start), html.Button("Stop", id: stop),
        html.Button("Both", id: both), html.Button("Other", id: other),
        html.P("nothing yet", id: first), html.P("nothing yet", id: second),
    ]
    app.callback(Output(dotted.children), Input(echo.value), preventInitialCall: true) { text in
        "\(text ?? "") \(ctx.triggered.first?.value.stringValue ?? "nothing")"
    }
    app.backgroundCallback(
        Output(out.children),
        Input(start.nClicks),
        running: [.set(start.disabled, to: true, finally: false)],
        cancel: [Input(stop.nClicks), Input(stop.nClicksTimestamp)],
        preventInitialCall: true
    ) { _ in
        try await Task.sleep(for: .seconds(30))
        return "never cancelled"
    }
    addJobsWithoutOutputs(to: app, both: both, other: other, texts: [first, second])
    return app
}

private func addJobsWithoutOutputs(
    to app: DashApp,
    both: html.ButtonRef,
    other: html.ButtonRef,
    texts: [html.PRef]
) {
    for (number, text) in texts.enumerated() {
        let name = "writer \(number)"
        // The button is disabled during the first job, and must be enabled again afterwards.
        let running: [Running] = number == 0 ? [.set(both.disabled, to: true, finally: false)] : []
        app.backgroundCallback(
            NoOutput(),
            Input(both.nClicks),
            running: running,
            preventInitialCall: true,
            name: name
        ) { clicks in
            try await Task.sleep(for: .seconds(1))
            setProps(text.children, "\(name) \(clicks ?? 0)")
        }
    }
    app.callback(NoOutput(), Input(other.nClicks), preventInitialCall: true) { _ in }
}
