import DashAGGrid
import Testing

@testable import Dash

@Suite("Generated components")
struct GeneratedComponentsTests {
    @Test("An element has the given properties only, by their names in the browser, in order")
    func element() {
        let bar = html.Progress.id("progress_bar")
        let element = html.Progress(id: bar, nClicks: 0, max: "5", value: "0", extra: ["data-kind": "bar"])
        #expect(
            element.json == [
                "props": ["id": "progress_bar", "n_clicks": 0, "max": "5", "value": "0", "data-kind": "bar"],
                "type": "Progress", "namespace": "dash_html_components",
            ]
        )
    }

    @Test("Children are text, a component or a list of both")
    func children() {
        #expect(html.P("text").json["props"] == ["children": "text"])
        let list = html.Div(["text", html.B("bold"), html.Br()])
        #expect(list.json["props"]["children"][1]["type"] == "B")
        #expect(html.Div().json["props"] == [:])
    }

    @Test("References have typed properties")
    func references() {
        let bar = html.Progress.id("bar"), chart = dcc.Graph.id("chart"), input = dcc.Input.id("input")
        let value: Prop<String?> = bar.value
        let clicks: Prop<Int?> = html.Button.id("run").nClicks
        let children: Prop<any Renderable> = html.P.id("p").children
        let figure: Prop<Figure?> = chart.figure
        let text: Prop<String?> = input.value
        let style: Prop<Style?> = chart.style
        let rows: Prop<[JSON]?> = dag.AgGrid.id("grid").rowData
        let all: Prop<[Int?]> = html.Button.family("remove").all.nClicks
        let names = [value.name, clicks.name, children.name, figure.name, text.name, style.name, rows.name, all.name]
        #expect(names == ["value", "n_clicks", "children", "figure", "value", "style", "rowData", "n_clicks"])
    }

    @Test("Properties accept values of several types, figures, grids and names that are Swift keywords")
    func values() {
        let city = dcc.Dropdown(options: ["a", "b"], value: ["a"], multi: true)
        #expect(city.json["props"] == ["options": ["a", "b"], "value": ["a"], "multi": true])
        let graph = dcc.Graph(figure: go.Figure(data: [go.Bar(x: [1])]), style: ["height": 1])
        #expect(graph.json["props"]["figure"]["data"][0]["x"] == [1])
        let grid = dag.AgGrid(
            columnDefs: ["a", "b"].map { dict(field: $0) },
            rowData: [["a": 1, "b": "x"]],
            dashGridOptions: dict(pagination: true)
        )
        #expect(grid.json["props"]["columnDefs"][1] == ["field": "b"])
        #expect(html.Script(async: true, defer: true).json["props"] == ["async": true, "defer": true])
        #expect(dashTable.DataTable(columns: [["id": "a"]]).json["namespace"] == "dash_table")
    }
}
