import DashJSON
import HTTPTypes

@testable import Dash

/// An app with background callbacks that the test controls.
struct JobPage: Sendable {
    let stage = Stage()
    let app = DashApp(name: "jobs")

    /// The request of the click that starts the long job.
    static let click = call("out.children", ["run.n_clicks": 1], state: ["who.children": "nobody"])
    /// The request of a second click.
    static let secondClick = call("out.children", ["run.n_clicks": 2], state: ["who.children": "nobody"])
    /// The name of the long job.
    static let jobName = "jobs/work"

    init(interval: Duration = .zero, onError: (@Sendable (CallbackFailure) async throws -> String?)? = nil) {
        app.layout = html.Div()
        let stage = stage
        app.backgroundCallback(
            Output("out", "children"),
            Input("run", "n_clicks"),
            State("who", "children"),
            running: [.set("run", "disabled", to: true, finally: false)],
            cancel: [Input<JSON>("stop", "n_clicks")],
            progress: Outputs(Output<String>("bar", "value"), Output<String>("bar", "max")),
            progressDefault: ("0", "2"),
            interval: interval,
            preventInitialCall: true,
            onError: onError,
            name: "work"
        ) { setProgress, clicks, who in
            let (clicks, who): (Int, String) = (clicks, who)
            try await stage.wait(for: "begin \(clicks)")
            setProgress("1", "2")
            try await stage.wait(for: "half \(clicks)")
            setProps("side", ["children": "half way"])
            try await stage.wait(for: "most \(clicks)")
            setProgress("2", "2")
            try await stage.wait(for: "end \(clicks)")
            return "run \(clicks) for \(who)"
        }
    }

    /// Lets the job of a click complete.
    func finish(_ clicks: Int = 1) {
        for step in ["begin", "half", "most", "end"] { stage.open("\(step) \(clicks)") }
    }

    /// The request of a click on the cancel button; its output is in the dependencies.
    static func cancelClick(_ visit: Visit) async throws -> JSON {
        let specs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
        let output = specs.first { $0["inputs"][0]["id"] == "stop" }?["output"].stringValue ?? ""
        return call(output, ["stop.n_clicks": 1])
    }
}
