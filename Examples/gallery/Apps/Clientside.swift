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
