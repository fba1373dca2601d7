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
