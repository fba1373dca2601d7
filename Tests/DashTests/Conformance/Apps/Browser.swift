import DashJSON

@testable import Dash

extension ConformanceApp {
    static func clientside() -> DashApp {
        let v = dcc.Input.id("v"), inline = html.Div.id("inline"), asset = html.Div.id("asset")
        let server = html.Div.id("server"), log = html.Button.id("log")
        let app = DashApp(assetsFolder: Recording.folder + "/clientside/assets")
        app.layout = html.Div([
            dcc.Input(id: v, value: "abc"), html.Div(id: inline), html.Div(id: asset), html.Div(id: server),
            html.Button("log", id: log),
        ])
        app.clientsideCallback(
            "function(v) { return v.toUpperCase(); }",
            Output(inline.children),
            Input(v.value)
        )
        app.clientsideCallback(
            ClientsideFunction(namespace: "fixture", name: "shout"),
            Outputs(asset.children),
            Input(v.value),
            State("inline", "children"),
            preventInitialCall: true
        )
        app.clientsideCallback("function(n) { console.log(n); }", NoOutput(), Input(log.nClicks), hidden: true)
        app.callback(Output(server.children), Input("inline", "children")) { (text: String) in text }
        return app
    }

    static func indexOptions() -> ConformanceApp {
        let app = DashApp(
            title: "Índex <title>",
            updateTitle: nil,
            assetsFolder: Recording.folder + "/index_options/assets",
            suppressCallbackExceptions: true,
            preventInitialCalls: true
        )
        app.page = indexPage
        app.assets.ignore = "^skip"
        app.layout { _ in html.Div([dcc.Input(id: "v", value: "x"), html.Div(id: "out"), html.Div(id: "opt")]) }
        app.callback(Output("out", "children"), Input("v", "value"), hidden: true) { (v: String) in v }
        app.callback(
            Output("opt", "children"),
            Input("v", "value"),
            State("missing", "value", allowOptional: true),
            preventInitialCall: false,
            optional: true
        ) { (v: String, missing: JSON) in [JSON(v), missing] }
        var served = ConformanceApp(app, path: "/sub/app/")
        served.site.pathPrefix = "/sub/app/"
        served.site.healthPath = "healthz"
        return served
    }

    private static var indexPage: PageOptions {
        var page = PageOptions()
        page.metaTags = [["name": "description", "content": "a \"quoted\" <description>"], ["charset": "utf-8"]]
        page.externalScripts = [
            "https://cdn.invalid/one.js",
            ["src": "https://cdn.invalid/two.js", "integrity": "sha384-x", "crossorigin": "anonymous"],
        ]
        page.externalStylesheets = [
            "https://cdn.invalid/one.css",
            ["href": "https://cdn.invalid/two.css", "rel": "stylesheet", "media": "print"],
        ]
        page.rendererHooks = [
            "request_pre": "function (payload) { window.lastPayload = payload; }",
            "layout_post": "function (layout) {}",
        ]
        page.showsUndoRedo = true
        page.template = """
            <!DOCTYPE html>
            <html>
                <head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
                <body>
                    <!-- custom index string -->
                    {%app_entry%}
                    <footer>{%config%}{%scripts%}{%renderer%}</footer>
                </body>
            </html>
            """
        return page
    }
}
