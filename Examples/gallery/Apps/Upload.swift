import Dash

/// Shows a CSV file as a table and a chart, keeps it after a reload, and offers it as a download.
func upload() -> DashApp {
    let drop = dcc.Upload.id("drop"), note = html.P.id("note"), file = dcc.Store.id("file")
    let url = dcc.Location.id("url"), links = html.Nav.id("links")
    let chart = dcc.Graph.id("chart"), picked = html.P.id("picked")
    let grid = dashTable.DataTable.id("grid"), save = html.Button.id("save"), download = dcc.Download.id("download")

    let app = DashApp()
    let border: Style = ["border": "1px dashed", "padding": "2em", "textAlign": "center"]
    app.layout = [
        dcc.Location(id: url), dcc.Store(id: file, storageType: .session), dcc.Download(id: download),
        dcc.Upload("Drop a CSV file here, or click to choose one", id: drop, accept: ".csv", style: border),
        html.P(id: note), html.Nav(id: links), dcc.Graph(id: chart), html.P(id: picked),
        dashTable.DataTable(id: grid, pageSize: 10), html.Button("Save as table.csv", id: save),
    ]
    app.callback(
        Output(file.data.as(CSVTable.self)),
        Input(files: drop, maximumSize: 1_000_000),
        preventInitialCall: true,
        onError: { failure in
            setProps(note.children, failure.message)
            return nil
        },
        perform: { files in
            let table = try CSVTable(parsing: files[0].text)
            setProps(note.children, "\(files[0].name): \(table.cells.count) rows")
            return table
        }
    )
    app.callback(
        Outputs(links.children, chart.figure, grid.columns, grid.data),
        Input(location: url),
        Input(file.modifiedTimestamp),
        State(file.data.as(CSVTable?.self))
    ) { address, _, table in
        let table = table ?? CSVTable(columns: [], cells: [])
        let x = table.columns.first ?? "", y = address.query["y"] ?? table.columns.last ?? ""
        let figure = go.Figure(
            data: [go.Bar(x: table[x], y: table[y])],
            layout: dict(title: dict(text: y), height: 300)
        )
        return (
            table.columns.map { dcc.Link("\($0) ", href: QueryParameters([("y", $0)]).text) },
            figure, table.columns.map { dict(id: $0, name: $0) }, table.rows
        )
    }
    app.callback(Output(picked.children), Input(chart.clickData)) { click in
        click?.points.first.map { "\($0.x.stringValue ?? "\($0.x)"): \($0.y)" } ?? "Click a bar."
    }
    app.callback(
        Output(download.data),
        Input(save.nClicks),
        State(file.data.as(CSVTable?.self)),
        preventInitialCall: true
    ) { _, table in table.map { dcc.sendString($0.text, "table.csv", type: "text/csv") } }
    return app
}
