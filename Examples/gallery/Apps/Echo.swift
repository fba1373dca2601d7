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
