// Written by scripts/embed-sources from the files in Apps/; do not edit.

/// The source of each app.
enum Source {
    static let caching = #"""
        import Dash

        /// Every fourth click resets the count to zero; later clicks get cached results.
        ///
        /// `launchID` changes with each launch of the program, so a restart invalidates the cache.
        func caching() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

            let app = DashApp()
            let launchID = app.launchID
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
                html.Button("Cancel Running Job!", id: stop, disabled: true),
            ]
            app.backgroundCallback(
                Outputs(paragraph.children, run.nClicks),
                Input(run.nClicks),
                running: [
                    .set(run.disabled, to: true, finally: false),
                    .set(stop.disabled, to: false, finally: true),
                ],
                cancel: [Input(stop.nClicks)],
                cache: .by({ launchID }, expire: .seconds(60))
            ) { clicks in
                try await Task.sleep(for: .seconds(2))
                return ("Clicked \(clicks ?? 0) times", (clicks ?? 0) % 4)
            }
            return app
        }
        """#
    static let cancel = #"""
        import Dash

        /// A second button cancels the job.
        func cancel() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

            let app = DashApp()
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
                html.Button("Cancel Running Job!", id: stop, disabled: true),
            ]
            app.backgroundCallback(
                Output(paragraph.children),
                Input(run.nClicks),
                running: [
                    .set(run.disabled, to: true, finally: false),
                    .set(stop.disabled, to: false, finally: true),
                ],
                cancel: [Input(stop.nClicks)]
            ) { clicks in
                try await Task.sleep(for: .seconds(2))
                return "Clicked \(clicks ?? 0) times"
            }
            return app
        }
        """#
    static let clientside = #"""
        import Dash

        /// The browser converts the text to upper case; the server counts its characters.
        func clientside() -> DashApp {
            let text = dcc.Input.id("text"), loud = html.P.id("loud"), count = html.P.id("count")

            let app = DashApp()
            app.layout = [dcc.Input(id: text, value: "Dash"), html.P(id: loud), html.P(id: count)]
            app.clientsideCallback(
                "function (text) { return (text || '').toUpperCase() + '!'; }",
                Output(loud.children),
                Input(text.value)
            )
            app.callback(Output(count.children), Input("loud", "children")) { (loud: String) in "\(loud.count) characters" }
            return app
        }
        """#
    static let echo = #"""
        import Dash

        /// A regular callback: its result is in the response to the request.
        func echo() -> DashApp {
            let input = dcc.Input.id("input_id")
            let output = html.Div.id("output_id")

            let app = DashApp()
            app.layout = [
                dcc.Input(id: input, value: "", type: "text"),
                html.Div(id: output),
            ]
            app.callback(Output(output.children), Input(input.value)) { value in
                "You said \(value ?? "")"
            }
            return app
        }
        """#
    static let empty = #"""
        import Dash

        /// A job that does nothing, to show the round trip.
        func empty() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id")

            let app = DashApp()
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
            ]
            app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: true) { clicks in
                "Clicked \(clicks ?? 0) times"
            }
            return app
        }
        """#
    static let failing = #"""
        import Dash

        /// The job throws; `onError` shows the error in the page. It runs in a web server, once for each failed job.
        func failing() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id")

            let app = DashApp()
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
            ]
            let clock = ContinuousClock(), started = clock.now
            app.backgroundCallback(
                Output(paragraph.children),
                Input(run.nClicks),
                preventInitialCall: true,
                onError: { failure in "The job failed: \(failure.message), \(clock.now - started) after the launch" }
            ) { clicks in
                try await Task.sleep(for: .milliseconds(500))
                throw DiskIsFull(attempt: clicks ?? 0)
            }
            return app
        }

        private struct DiskIsFull: Error, CustomStringConvertible {
            let attempt: Int
            var description: String { "the disk was full at click \(attempt)" }
        }
        """#
    static let pages = #"""
        import Dash

        /// Pages with a menu. A job continues while another page is shown, and its page shows it again on return.
        func pages() -> DashApp {
            let app = DashApp(title: "Pages")
            app.page(
                "/",
                name: "Home",
                layout: html.P("Start a report, open a region in the meantime, and come back.", id: "home")
            )
            report(in: app)
            let side: Style = ["display": "flex", "gap": "1rem"]
            let cities = ["north": "Aalborg", "south": "Cádiz"]
            let menu = cities.keys.sorted().map { app.link($0, to: "/regions/\($0)") }
            let regions = app.pageGroup("/regions", name: "Regions") { page, visit in
                html.Section([html.H3("Region: \(visit["region"] ?? "")"), html.Nav(menu, style: side), html.Div(page)])
            }
            regions.page("/<region>", title: .by { "The \($0["region"] ?? "region")" }) { visit in
                guard let city = cities[visit["region"] ?? "north"] else { throw PageNotFound() }
                return html.P("\(city), \(visit.query["unit"] ?? "km")", id: "city")
            }
            app.notFoundPage(title: "Not found") { visit in html.P("There is nothing at \(visit.path).", id: "missing") }
            let links = app.pages.filter { $0.pathTemplate == nil }.map { $0.link() }
            app.layout = html.Div([
                html.Nav(links + [app.link("Regions", to: "/regions/north?unit=mi")], style: side), app.pageContainer,
            ])
            return app
        }

        private func report(in app: DashApp) {
            let run = html.Button.id("run"), stop = html.Button.id("stop")
            let bar = html.Progress.id("bar"), result = html.P.id("result")
            app.page(
                "/report",
                title: "A long report",
                redirectFrom: ["/old-report"],
                layout: html.Div([
                    html.Button("Run", id: run), html.Button("Cancel", id: stop, disabled: true),
                    html.Progress(id: bar, max: "12", value: "0"), html.P("Nothing yet", id: result),
                ])
            )
            app.backgroundCallback(
                Output(result.children),
                Input(run.nClicks),
                running: [.set(run.disabled, to: true, finally: false), .set(stop.disabled, to: false, finally: true)],
                cancel: [Input(stop.nClicks)],
                progress: Output(bar.value),
                progressDefault: "0",
                preventInitialCall: true
            ) { setProgress, _ in
                for step in 1...12 {
                    setProgress("\(step)")
                    try await Task.sleep(for: .milliseconds(500))
                }
                return "The report is done"
            }
        }
        """#
    static let patches = #"""
        import Dash

        /// A click sends one point and one title instead of the whole figure.
        func patches() -> DashApp {
            let add = html.Button.id("add"), chart = dcc.Graph.id("chart")
            let figure = go.Figure(data: [go.Bar(y: [1, 3, 2])], layout: dict(title: dict(text: "3 points"), height: 300))

            let app = DashApp()
            app.layout = [html.Button("Add a point", id: add), dcc.Graph(id: chart, figure: figure)]
            app.callback(Output(chart.figure).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
                let clicks = clicks ?? 0
                var figure = Patch()
                figure.data[0].y.append(1 + clicks % 4)
                figure.layout.title.text = "\(3 + clicks) points"
                return figure
            }
            return app
        }
        """#
    static let patterns = #"""
        import Dash

        /// Any number of rows, each with its own job; the jobs run concurrently.
        func patterns() -> DashApp {
            let add = html.Button.id("add"), rows = html.Div.id("rows"), total = html.P.id("total")
            let run = html.Button.family("run"), stop = html.Button.family("stop")
            let bar = html.Progress.family("bar"), result = html.P.family("result")

            let app = DashApp()
            app.layout = [html.Button("Add a row", id: add), html.Div([html.Hr()], id: rows), html.P(id: total)]
            app.callback(Output(rows.children).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
                let row = clicks ?? 0
                var children = Patch()
                children.append(
                    html.Div([
                        html.Button("Run", id: run[row]), html.Button("Cancel", id: stop[row], disabled: true),
                        html.Progress(id: bar[row], max: "5", value: "0"), html.P("Row \(row)", id: result[row]),
                    ])
                )
                return children
            }
            app.backgroundCallback(
                Output(result.match.children),
                Input(run.match.nClicks),
                running: [
                    .set(run.match.disabled, to: true, finally: false),
                    .set(stop.match.disabled, to: false, finally: true),
                ],
                cancel: [Input(stop.match.nClicks)],
                progress: Output(bar.match.value),
                progressDefault: "0",
                preventInitialCall: true
            ) { setProgress, clicks in
                for step in 1...5 {
                    setProgress("\(step)")
                    try await Task.sleep(for: .milliseconds(400))
                }
                return "Done \(clicks ?? 0) times"
            }
            app.callback(Output(total.children), Input(result.all.children)) { results in
                "\(results.count) rows, \(results.count { $0.jsonText.contains("Done") }) done"
            }
            return app
        }
        """#
    static let progress = #"""
        import Dash

        /// The job advances a progress bar once a second, while the text is hidden.
        func progress() -> DashApp {
            let paragraph = html.P.id("paragraph_id"), bar = html.Progress.id("progress_bar")
            let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

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
                    .set(paragraph.style, to: ["visibility": "hidden"], finally: ["visibility": "visible"]),
                    .set(bar.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
                ],
                cancel: [Input(stop.nClicks)],
                progress: Outputs(bar.value, bar.max),
                preventInitialCall: true
            ) { setProgress, clicks in
                for step in 0...5 {
                    setProgress("\(step)", "5")
                    try await Task.sleep(for: .seconds(1))
                }
                return "Clicked \(clicks ?? 0) times"
            }
            return app
        }
        """#
    static let progressGraph = #"""
        import Dash

        /// The job shows its progress as a Plotly bar, which is reset when the job ends.
        func progressGraph() -> DashApp {
            let paragraph = html.P.id("paragraph_id"), graph = dcc.Graph.id("progress_bar_graph")
            let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

            let app = DashApp()
            app.layout = [
                html.Div([html.P("Button not clicked", id: paragraph), dcc.Graph(id: graph, figure: progressFigure(0, of: 10))]
                ),
                html.Button("Run Job!", id: run),
                html.Button("Cancel Running Job!", id: stop, disabled: true),
            ]
            app.backgroundCallback(
                Output(paragraph.children),
                Input(run.nClicks),
                running: [
                    .set(run.disabled, to: true, finally: false),
                    .set(stop.disabled, to: false, finally: true),
                    .set(paragraph.style, to: ["visibility": "hidden"], finally: ["visibility": "visible"]),
                    .set(graph.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
                ],
                cancel: [Input(stop.nClicks)],
                progress: Output(graph.figure),
                progressDefault: progressFigure(0, of: 10)
            ) { setProgress, clicks in
                for step in 0..<10 {
                    try await Task.sleep(for: .milliseconds(500))
                    setProgress(progressFigure(step, of: 10))
                }
                return "Clicked \(clicks ?? 0) times"
            }
            return app
        }

        private func progressFigure(_ step: Int, of total: Int) -> go.Figure {
            go.Figure(
                data: [go.Bar(x: [step])],
                layout: dict(
                    xaxis: dict(range: [0, total]),
                    yaxis: dict(showticklabels: false),
                    height: 100,
                    margin: dict(t: 20, b: 40)
                )
            )
        }
        """#
    static let running = #"""
        import Dash

        /// The button is disabled while the job runs, whatever its outcome.
        func running() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id")

            let app = DashApp()
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
            ]
            app.backgroundCallback(
                Output(paragraph.children),
                Input(run.nClicks),
                running: [.set(run.disabled, to: true, finally: false)]
            ) { clicks in
                try await Task.sleep(for: .seconds(2))
                return "Clicked \(clicks ?? 0) times"
            }
            return app
        }
        """#
    static let setProps = #"""
        import Dash
        import DashAGGrid

        /// A job without outputs adds a hundred rows to a grid every two seconds.
        func setPropsGrid() -> DashApp {
            let grid = dag.AgGrid.id("ag-grid-updating")
            let run = html.Button.id("button_id"), stop = html.Button.id("cancel_button_id")

            let app = DashApp(suites: [.agGrid])
            app.layout = [
                html.Button("Get data", id: run),
                html.Button("Cancel Running Job!", id: stop, disabled: true),
                dag.AgGrid(id: grid, dashGridOptions: dict(pagination: true)),
            ]
            app.backgroundCallback(
                NoOutput(),
                Input(run.nClicks),
                running: [
                    .set(run.disabled, to: true, finally: false),
                    .set(stop.disabled, to: false, finally: true),
                ],
                cancel: [Input(stop.nClicks)],
                preventInitialCall: true
            ) { _ in
                let rows = lifeExpectancyRows()
                for start in stride(from: 0, to: rows.count, by: 100) {
                    try await Task.sleep(for: .seconds(2))
                    setProps(grid.rowData, Array(rows.prefix(start + 100)))
                    setProps(grid.columnDefs, lifeExpectancyColumns.map { dict(field: $0) })
                }
            }
            return app
        }
        """#
    static let simple = #"""
        import Dash

        /// A click starts a job in a worker process; two seconds later its result replaces the text.
        func simple() -> DashApp {
            let paragraph = html.P.id("paragraph_id")
            let run = html.Button.id("button_id")

            let app = DashApp()
            app.layout = [
                html.Div(html.P("Button not clicked", id: paragraph)),
                html.Button("Run Job!", id: run),
            ]
            app.backgroundCallback(Output(paragraph.children), Input(run.nClicks)) { clicks in
                try await Task.sleep(for: .seconds(2))
                return "Clicked \(clicks ?? 0) times"
            }
            return app
        }
        """#
    static let upload = #"""
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
        """#
    static let pythonTask = #"""
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
        """#
}
