import Dash

// The examples of Dash's documentation of background callbacks.

func simpleExample() -> DashApp {
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

func runningExample() -> DashApp {
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

func cancelExample() -> DashApp {
    let app = DashApp()
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop),
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

func progressExample() -> DashApp {
    let app = DashApp()
    app.layout = [
        html.Div([html.P("Button not clicked", id: paragraph), html.Progress(id: bar, value: "0")]),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop),
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
        let total = 5
        for step in 0...total {
            setProgress("\(step)", "\(total)")
            try await Task.sleep(for: .seconds(1))
        }
        return "Clicked \(clicks ?? 0) times"
    }
    return app
}

func progressFigure(_ step: Int, of total: Int) -> go.Figure {
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

func progressGraphExample() -> DashApp {
    let app = DashApp()
    app.layout = [
        html.Div([
            html.P("Button not clicked", id: paragraph),
            dcc.Graph(id: chart, figure: progressFigure(0, of: 10)),
        ]),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop),
    ]
    app.backgroundCallback(
        Output(paragraph.children),
        Input(run.nClicks),
        running: [
            .set(run.disabled, to: true, finally: false),
            .set(stop.disabled, to: false, finally: true),
            .set(paragraph.style, to: ["visibility": "hidden"], finally: ["visibility": "visible"]),
            .set(chart.style, to: ["visibility": "visible"], finally: ["visibility": "hidden"]),
        ],
        cancel: [Input(stop.nClicks)],
        progress: Output(chart.figure),
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

func cachingExample() -> DashApp {
    let app = DashApp()
    let launchID = app.launchID
    app.layout = [
        html.Div(html.P("Button not clicked", id: paragraph)),
        html.Button("Run Job!", id: run),
        html.Button("Cancel Running Job!", id: stop),
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

func setPropsExample() -> DashApp {
    let app = DashApp()
    let grid = AnyRef("ag-grid-updating")
    app.layout = [html.Button("Get data", id: run), html.Button("Cancel Running Job!", id: stop)]
    app.backgroundCallback(
        NoOutput(),
        Input(run.nClicks),
        running: [.set(run.disabled, to: true, finally: false)],
        cancel: [Input(stop.nClicks)],
        preventInitialCall: true
    ) { _ in
        for count in 1...2 {
            setProps(grid.prop("rowData"), (0..<count).map { dict(country: "c\($0)", year: 1990 + $0) })
        }
    }
    return app
}
