import DashJSON

@testable import Dash

extension ConformanceApp {
    static func components() -> DashApp {
        let app = DashApp()
        app.layout = html.Div([
            dcc.Location(id: "url", refresh: false), dcc.Store(id: "memory"),
            dcc.Store(id: "local", storageType: .local, data: ["a": 1] as JSON),
            dcc.Store(id: "session", storageType: .session),
            dcc.Download(id: "download"), dcc.Upload("drop", id: "upload", multiple: true),
            dcc.Interval(id: "tick", interval: 1000, maxIntervals: 3), html.Button("text", id: "text"),
            html.Button("bytes", id: "bytes"), html.Div(id: "files"), html.Div(id: "where"), html.Div(id: "ticks"),
        ])
        app.callback(Output("where", "children"), Input(location: "url")) { place in
            [place.pathname, place.search, place.hash, place.href]
        }
        app.callback(Output("url", "pathname"), Input<Int?>("text", "n_clicks"), preventInitialCall: true) { _ in
            "/elsewhere"
        }
        app.callback(Output("memory", "data"), Input("local", "modified_timestamp"), State("local", "data")) {
            (time: Int?, data: JSON) in
            ["from local": data, "never modified": .bool(time == -1)] as JSON
        }
        app.callback(Output("session", "clear_data"), Input<Int?>("bytes", "n_clicks"), preventInitialCall: true) { _ in
            true
        }
        addFiles(to: app)
        app.callback(Output("ticks", "children"), Input("tick", "n_intervals")) { (n: Int) in n }
        return app
    }

    private static func addFiles(to app: DashApp) {
        app.callback(
            Output(dcc.Download.id("download").data),
            Input("text", "n_clicks"),
            Input("bytes", "n_clicks"),
            preventInitialCall: true
        ) { (text: Int?, bytes: Int?) in
            text == nil
                ? dcc.sendBytes([0, 1, 255] as [UInt8], "raw.bin")
                : dcc.sendString("a,b\n1,ü\n", "table.csv", type: "text/csv")
        }
        app.callback(
            Output("files", "children"),
            Input("upload", "contents"),
            State("upload", "filename"),
            State("upload", "last_modified"),
            preventInitialCall: true
        ) { (contents: [String], names: [String], modified: [JSON]) in
            contents.indices.map { "\(names[$0]) \(contents[$0].utf8.count) \(modified[$0])" }
        }
    }
}
