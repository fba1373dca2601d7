import DashJSON

@testable import Dash

extension ConformanceApp {
    static func errors() -> DashApp {
        let go = html.Button.id("go"), parts = "abcde".map { html.Div.id("\($0)") }, message = html.Div.id("message")
        let wild = { (w: IDValue) in html.Div.id(ComponentID(pattern: ["w": w])) }
        let app = DashApp()
        app.layout = html.Div(
            [html.Button("go", id: go)] + parts.map { html.Div(id: $0) }
                + [html.Div(id: wild(0)), html.Div(id: wild(1)), html.Div(id: message)]
        )
        // Results that stock Dash rejects at run time do not compile here.
        app.callback(Output(parts[0].children), Input(go.nClicks), preventInitialCall: true) { _ in
            throw Broken(description: "boom")
        }
        app.callback(Outputs(parts[1].children, parts[2].children), Input(go.nClicks), preventInitialCall: true) { n in
            guard n == 4 else { throw Broken() }
            return ("x", "y")
        }
        app.callback(
            Output(parts[3].children),
            Input(go.nClicks),
            preventInitialCall: true,
            onError: { failure in
                setProps(message.children, failure.message)
                return nil
            }
        ) { _ in throw Broken(description: "KeyError: 'k'") }
        app.callback(
            Output(parts[4].children),
            Input(go.nClicks),
            preventInitialCall: true,
            onError: { "handled \($0.message)" }
        ) { _ in throw Broken(description: "'k'") }
        app.callback(Output(wild(.all).all.children), Input(go.nClicks), preventInitialCall: true) { n in
            if n == 1 { throw Broken() }
            return n == 2 ? ["one"] : ["x", "y"]
        }
        app.callback(NoOutput(), Input(go.nClicks), preventInitialCall: true) { _ in throw Broken() }
        return app
    }
}
