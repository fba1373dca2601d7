import Dash

/// Apps like those of the gallery, with waits on the test's clock.
enum Apps {
    static let paragraph = html.P.id("paragraph_id"), bar = html.Progress.id("progress_bar")
    static let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

    /// A job that advances a progress bar once per second.
    static func progress() -> DashApp {
        let app = DashApp()
        app.layout = [
            html.Div([html.P("Button not clicked", id: paragraph), html.Progress(id: bar, value: "0")]),
            html.Button("Run Job!", id: run),
            html.Button("Cancel Running Job!", id: stop, disabled: true),
        ]
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            running: [
                .set(run.disabled, to: true, finally: false),
                .set(stop.disabled, to: false, finally: true),
                .set(bar.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
            ],
            cancel: [Input(stop.nClicks)],
            progress: Outputs(bar.value, bar.max),
            progressDefault: ("-", "-"),
            preventInitialCall: true
        ) { setProgress, clicks in
            for step in 0...5 {
                setProgress("\(step)", "5")
                try await ctx.sleep(for: .seconds(1))
            }
            return "Clicked \(clicks ?? 0) times"
        }
        return app
    }

    static let add = html.Button.id("add"), rows = html.Div.id("rows"), total = html.P.id("total")
    static let rowRun = html.Button.family("run"), rowStop = html.Button.family("stop")
    static let rowBar = html.Progress.family("bar"), result = html.P.family("result")

    /// Rows with concurrent jobs.
    static func patterns() -> DashApp {
        let app = DashApp()
        app.layout = [html.Button("Add a row", id: add), html.Div([html.Hr()], id: rows), html.P(id: total)]
        app.callback(Output(rows.children).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
            let row = clicks ?? 0
            var children = Patch()
            children.append(
                html.Div([
                    html.Button("Run", id: rowRun[row]), html.Button("Cancel", id: rowStop[row], disabled: true),
                    html.Progress(id: rowBar[row], max: "5", value: "0"), html.P("Row \(row)", id: result[row]),
                ])
            )
            return children
        }
        app.backgroundCallback(
            Output(result.match.children),
            Input(rowRun.match.nClicks),
            running: [
                .set(rowRun.match.disabled, to: true, finally: false),
                .set(rowStop.match.disabled, to: false, finally: true),
            ],
            cancel: [Input(rowStop.match.nClicks)],
            progress: Output(rowBar.match.value),
            progressDefault: "0",
            preventInitialCall: true
        ) { setProgress, clicks in
            for step in 1...5 {
                setProgress("\(step)")
                try await ctx.sleep(for: .milliseconds(400))
            }
            return "Done \(clicks ?? 0) times"
        }
        app.callback(Output(total.children), Input(result.all.children)) { results in
            "\(results.count) rows, \(results.count { $0.jsonText.contains("Done") }) done"
        }
        return app
    }
}
