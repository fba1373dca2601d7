import DashJSON

@testable import Dash

// Jobs sleep on the recording's clock. The first sleep stands for the start of stock Dash's process, so that no
// response to a start has an update yet.
extension ConformanceApp {
    private static let startUp = 0.1
    private static let step = 1.5

    static func backgroundFull() -> ConformanceApp {
        let run = html.Button.id("run"), stop = html.Button.id("stop"), bar = html.Progress.id("bar")
        let status = html.Div.id("status"), who = html.Div.id("who"), out = html.Div.id("out"),
            side = html.Div.id("side")
        let app = DashApp(), clock = StoryClock()
        app.layout = html.Div([
            html.Button("run", id: run), html.Button("stop", id: stop), html.Progress(id: bar, max: "2", value: "0"),
            html.Div("idle", id: status), html.Div("nobody", id: who), html.Div(id: out), html.Div(id: side),
        ])
        app.backgroundCallback(
            Output(out.children),
            Input(run.nClicks),
            State<String>("who", "children"),
            running: [
                .set(run.disabled, to: true, finally: false), .set(status.children, to: "working", finally: "idle"),
            ],
            cancel: [Input(stop.nClicks)],
            progress: Outputs(Output<String>("bar", "value"), Output<String>("bar", "max")),
            progressDefault: ("0", "2"),
            preventInitialCall: true
        ) { setProgress, n, who in
            let time = clock.begin()
            try await time.sleep(startUp)
            setProgress("1", "2")
            try await time.sleep(step)
            setProps(side.children, "half way")
            try await time.sleep(step)
            setProgress("2", "2")
            try await time.sleep(step)
            return "run \(n ?? 0) for \(who)"
        }
        return ConformanceApp(app, clock: clock)
    }

    static func backgroundMinimal() -> ConformanceApp {
        let run = html.Button.id("run"), go = html.Button.id("go")
        let a = html.Div.id("a"), b = html.Div.id("b"), c = html.Div.id("c")
        let app = DashApp(), clock = StoryClock()
        app.layout = html.Div([
            html.Button("run", id: run), html.Div(id: a), html.Div(id: b), html.Button("go", id: go), html.Div(id: c),
        ])
        app.backgroundCallback(
            Outputs(Output(a.children).skippable, Output(b.children)),
            Input(run.nClicks),
            preventInitialCall: true
        ) { n in
            let time = clock.begin()
            try await time.sleep(step)
            if n == 3 { throw PreventUpdate() }
            return n == 2 ? (.skip, "only b") : (.set("a\(n ?? 0)"), "b\(n ?? 0)")
        }
        app.backgroundCallback(Output(c.children), Input(go.nClicks)) { n in
            let time = clock.begin()
            try await time.sleep(step)
            return html.Div(["done ", html.B(n.map { "\($0)" } ?? "None")])
        }
        return ConformanceApp(app, clock: clock)
    }

    static func backgroundError() -> ConformanceApp {
        let names = ["plain", "handled", "quiet"], clicks = names.map { html.Button.id("\($0)") }
        let a = html.Div.id("a"), b = html.Div.id("b"), c = html.Div.id("c"), errors = html.Div.id("errors")
        let app = DashApp(), clock = StoryClock()
        app.layout = html.Div(
            zip(names, clicks).map { html.Button($0, id: $1) } + [a, b, c, errors].map { html.Div(id: $0) }
        )
        app.backgroundCallback(
            Output(a.children),
            Input(clicks[0].nClicks),
            running: [.set(clicks[0].disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { n in try await fail(n, clock) }
        app.backgroundCallback(
            Output(b.children),
            Input(clicks[1].nClicks),
            preventInitialCall: true,
            onError: { "\($0.kind) \($0.code): \($0.message)" }
        ) { n in try await fail(n, clock) }
        app.backgroundCallback(
            Output(c.children),
            Input(clicks[2].nClicks),
            preventInitialCall: true,
            onError: { failure in
                setProps(errors.children, failure.code)
                return nil
            }
        ) { n in try await fail(n, clock) }
        return ConformanceApp(app, clock: clock)
    }

    private static func fail(_ n: Int?, _ clock: StoryClock) async throws -> String {
        try await clock.begin().sleep(startUp)
        throw Broken(description: "broken \(n ?? 0)")
    }

    static func backgroundRestart() -> ConformanceApp {
        let run = html.Button.id("run"), out = html.Div.id("out")
        let app = DashApp(), clock = StoryClock()
        app.layout = html.Div([html.Button("run", id: run), html.Div(id: out)])
        app.backgroundCallback(Output(out.children), Input(run.nClicks), preventInitialCall: true) { n in
            let time = clock.begin()
            try await time.sleep(2 * step)
            return "finished \(n ?? 0)"
        }
        return ConformanceApp(app, clock: clock)
    }
}
