import DashJSON

@testable import Dash

extension ConformanceApp {
    /// The app whose callbacks use a WebSocket in stock Dash. We do not support it, so the page sends all requests by
    /// HTTP.
    static func webSocket() -> DashApp {
        struct Broken: Error, CustomStringConvertible { let description = "broken" }
        let go = html.Button.id("go"), out = html.Div.id("out"), log = html.Div.id("log")
        let clock = html.Div.id("clock"), http = html.Div.id("http")
        let cell = html.Div.family("cell")
        let app = DashApp()
        app.layout = html.Div([
            html.Button("go", id: go), html.Div(id: out), html.Div(id: log), html.Div(id: cell[0]),
            dcc.Store(id: "store", data: ["n": 1]), dcc.Input(id: "name", value: "Ada"), html.Div(id: clock),
            html.Div(id: http),
        ])
        app.callback(
            Output(out.children),
            Input(go.nClicks),
            running: [.set(go.disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { n in
            if n == 3 { throw Broken() }
            if n == 4 { setProps(log.children, "step 3") }
            return "clicked \(n ?? 0)"
        }
        app.callback(NoOutput()) { setProps(clock.children, "2") }
        app.callback(Output(http.children), Input(go.nClicks), preventInitialCall: true) { n in "\(n ?? 0) False" }
        return app
    }
}
