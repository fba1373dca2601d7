import Dash

/// The button starts a task of Python's Celery workers (`tasks.py`); the page shows its progress.
///
/// The second callback has a name, so Python can call it: `app.send_task("gallery.shout", ["hello"], queue="dash")`.
func pythonTask() -> DashApp {
    let paragraph = html.P.id("paragraph_id"), bar = html.Progress.id("progress_bar")
    let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")
    let word = dcc.Input.id("word"), shout = html.P.id("shout")

    let app = DashApp()
    app.layout = [
        html.Div([html.P("Button not clicked", id: paragraph), html.Progress(id: bar, value: "0")]),
        html.Button("Run Python!", id: run),
        html.Button("Cancel Running Job!", id: stop, disabled: true),
        dcc.Input(id: word, value: "hello"),
        html.P("", id: shout),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        celeryTask: "tasks.count",
        queue: "python",
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
        ],
        cancel: [Input(stop.nClicks)],
        progress: Outputs(bar.value, bar.max),
        preventInitialCall: true,
        onError: { failure in "Python said: \(failure.message)" }
    )
    app.backgroundCallback(Output(shout.children), Input<String>("word", "value"), name: "gallery.shout") { word in
        word.uppercased() + "!"
    }
    return app
}
