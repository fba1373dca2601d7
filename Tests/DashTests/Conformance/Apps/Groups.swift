import DashJSON

@testable import Dash

private struct Pair: InputGroup {
    let x = Input<Int>("x", "value"), y = Input<Int>("y", "value")
}

private struct Lengths: InputGroup {
    let x = Input<Int>("x", "value"), y = Input<Int>("y", "value")
    let unit = State<String>("unit", "value")
}

private struct Nested: InputGroup {
    let pair = Pair()
    let unit = State<String>("unit", "value")
}

private struct Sum: OutputGroup {
    let total = Output<Int>("sum", "children")
    let text = Output<String>("label", "children")
}

extension ConformanceApp {
    static func groupedInputs() -> DashApp {
        let app = DashApp()
        app.layout = html.Div([
            dcc.Input(id: "x", value: 1, type: "number"), dcc.Input(id: "y", value: 2, type: "number"),
            dcc.Input(id: "unit", value: "cm"), html.Div(id: "sum"), html.Div(id: "label"), html.Div(id: "nested"),
            html.Div(id: "mixed"),
        ])
        app.callback(Sum(), Lengths()) { lengths in
            var updates = Updates<Sum>()
            updates.text = "\(lengths.x)+\(lengths.y) \(lengths.unit)"
            updates.total = lengths.x + lengths.y
            return updates
        }
        app.callback(Output("nested", "children"), Nested()) { values in
            let pair = [values.args.pair.x, values.args.pair.y]
            let which = pair.indices.filter { pair[$0].isTriggered }
            return "\(values.pair.x)x\(values.pair.y) \(values.unit) triggered=\(which)"
        }
        app.callback(Output("mixed", "children"), State("unit", "value"), Input("y", "value"), Input("x", "value")) {
            (unit: String, y: Int, x: Int) in
            "\(unit) \(y) \(x)"
        }
        return app
    }
}
