import DashJSON

@testable import Dash

extension ConformanceApp {
    static func patternMatch() -> DashApp {
        let choice = dcc.Dropdown.family("dd"), echo = html.Div.family("echo"), last = html.Div.id("last")
        let app = DashApp()
        let rows = (0..<2).map { i in
            html.Div([dcc.Dropdown(id: choice[i], options: ["a", "b"], value: "a"), html.Div(id: echo[i])])
        }
        app.layout = html.Div(
            rows + [
                dcc.Dropdown(id: choice["text.with.dots"], options: ["k"], value: "k"),
                html.Div(id: echo["text.with.dots"]), html.Div(id: last),
            ]
        )
        app.callback(
            Output(echo.match.children),
            Input(choice.match.componentID, "value"),
            State(choice.match.componentID, "id")
        ) { (value: String?, id: JSON) in
            "\(id["index"].stringValue ?? id["index"].text)=\(value ?? "None")"
        }
        app.callback(Output(last.children), Input(choice.match.componentID, "value"), preventInitialCall: true) {
            (value: String?) in
            let index = ctx.triggeredID?.json["index"] ?? .null
            return "\(index.stringValue ?? index.text) -> \(value ?? "None")"
        }
        return app
    }

    static func patternAll() -> DashApp {
        let add = html.Button.id("add"), rows = html.Div.id("rows"), total = html.Div.id("total")
        let double = html.Button.id("double"), number = dcc.Input.family("num")
        let values = number.all.value.as([Int?].self)
        let app = DashApp()
        app.layout = html.Div([
            html.Button("add", id: add, nClicks: 0), html.Div([Element](), id: rows), html.Div(id: total),
            html.Button("double", id: double, nClicks: 0),
        ])
        app.callback(Output(rows.children), Input(add.nClicks), State("rows", "children"), preventInitialCall: true) {
            (n, rows: [JSON]) in
            let n = n ?? 0
            return JSON.array(rows + [dcc.Input(id: number[n], value: n, type: "number").json])
        }
        app.callback(Output(total.children), Input(values)) { values in
            let sum = values.reduce(0) { $0 + ($1 ?? 0) }
            return "\(values.count) rows, sum \(sum), by \(ctx.triggeredID.map(pythonText) ?? "None")"
        }
        app.callback(
            Output(values).eachSkippable(),
            Input(double.nClicks),
            State(values),
            preventInitialCall: true
        ) { _, values in
            values.map { $0 == 0 ? .skip : .set(2 * ($0 ?? 0)) }
        }
        return app
    }

    /// An id as Python prints it.
    private static func pythonText(_ id: ComponentID) -> String {
        "{'index': \(id.json["index"]), 'type': 'num'}"
    }

    static func patternAllSmaller() -> DashApp {
        let number = dcc.Input.family("v"), total = html.Div.family("running-total")
        let app = DashApp()
        app.layout = html.Div(
            (0..<3).map { i in
                html.Div([dcc.Input(id: number[i], value: 10 * i, type: "number"), html.Div(id: total[i])])
            }
        )
        app.callback(
            Output(total.match.children),
            Input(number.match.value.as(Int.self)),
            Input(number.allSmaller.value.as([Int].self))
        ) { mine, smaller in
            "\(smaller.reduce(0, +)) + \(mine)"
        }
        return app
    }
}
