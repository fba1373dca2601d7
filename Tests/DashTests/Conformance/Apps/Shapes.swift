import DashJSON
import Foundation

@testable import Dash

extension ConformanceApp {
    static func components() -> DashApp {
        let app = DashApp()
        app.layout = html.Div([
            dcc.Location(id: "url", refresh: false), dcc.Store(id: "memory"),
            dcc.Store(id: "local", storageType: "local", data: ["a": 1] as JSON),
            dcc.Store(id: "session", storageType: "session"),
            dcc.Download(id: "download"), dcc.Upload("drop", id: "upload", multiple: true),
            dcc.Interval(id: "tick", interval: 1000, maxIntervals: 3), html.Button("text", id: "text"),
            html.Button("bytes", id: "bytes"), html.Div(id: "files"), html.Div(id: "where"), html.Div(id: "ticks"),
        ])
        let place = ["pathname", "search", "hash", "href"].map { Input<JSON>("url", $0) }
        app.callback(Output("where", "children"), place) { JSON.array($0) }
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
            Output("download", "data"),
            Input("text", "n_clicks"),
            Input("bytes", "n_clicks"),
            preventInitialCall: true
        ) { (text: Int?, bytes: Int?) in
            if text != nil {
                return ["content": "a,b\n1,ü\n", "filename": "table.csv", "type": "text/csv", "base64": false] as JSON
            }
            let content = Data([0, 1, 255]).base64EncodedString()
            return ["content": .string(content), "filename": "raw.bin", "type": nil, "base64": true]
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
