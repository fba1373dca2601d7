import DashJSON

@testable import Dash

extension ConformanceApp {
    static func devTools() -> ConformanceApp {
        struct Visible: Error, CustomStringConvertible { let description = "visible in the dev tools" }
        let go = html.Button.id("go"), out = html.Div.id("out")
        let app = DashApp(assetsFolder: Recording.folder + "/dev_tools/assets")
        app.layout = html.Div([html.Button("go", id: go), html.Div(id: out)])
        app.callback(Output(out.children), Input(go.nClicks)) { n in
            ctx.recordTiming("lookup", .milliseconds(2), description: "table lookup")
            if n == 2 { throw Visible() }
            return n
        }
        var conformance = ConformanceApp(app)
        conformance.site.debug = true
        return conformance
    }
}
