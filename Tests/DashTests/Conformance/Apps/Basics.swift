import DashJSON

@testable import Dash

// The apps of the recordings, in Swift.
extension ConformanceApp {
    static func singleOutput() -> DashApp {
        let name = dcc.Input.id("name"), greeting = html.Div.id("greeting")
        let app = DashApp()
        app.layout = html.Div([dcc.Input(id: name, value: "Ada", type: "text"), html.Div(id: greeting)])
        app.callback(Output(greeting.children), Input("name", "value")) { (name: String?) in
            "Hello \(name ?? "None")"
        }
        return app
    }

    static func multiOutput() -> DashApp {
        let square = html.Div.id("square"), cube = html.Div.id("cube"), only = html.Div.id("only")
        let app = DashApp()
        app.layout = html.Div([
            dcc.Slider(id: "n", min: 0, max: 20, step: 1, value: 3), html.Div(id: square), html.Div(id: cube),
            html.Div(id: only),
        ])
        app.callback(Outputs(square.children, cube.children, cube.title), Input("n", "value")) { (n: Int) in
            (n * n, n * n * n, "\(n) cubed")
        }
        app.callback(Outputs(only.children), Input("n", "value")) { (n: Int) in n }
        return app
    }

    static func noInput() -> DashApp {
        let stamp = html.Div.id("stamp"), side = html.Div.id("side")
        let app = DashApp()
        app.layout = html.Div([dcc.Input(id: "v", value: "x"), html.Div(id: stamp), html.Div(id: side)])
        app.callback(Output(stamp.children), State("v", "value")) { (v: String) in "loaded with \(v)" }
        app.callback(NoOutput()) { setProps(side.children, "loaded") }
        return app
    }

    static func stateValues() -> DashApp {
        let go = html.Button.id("go"), out = html.Div.id("out")
        let app = DashApp()
        app.layout = html.Div([
            dcc.Input(id: "first", value: "Grace"), dcc.Input(id: "last", value: "Hopper"),
            html.Button("go", id: go, nClicks: 0), html.Div(id: out),
        ])
        app.callback(Output(out.children), Input(go.nClicks), State("first", "value"), State("last", "value")) {
            (n, first: String, last: String) in
            "\(n ?? 0): \(first) \(last)"
        }
        return app
    }

    static func preventUpdate() -> DashApp {
        let out = html.Div.id("out")
        let app = DashApp()
        app.layout = html.Div([dcc.Input(id: "v", value: "", type: "text"), html.Div(id: out)])
        app.callback(Output(out.children), Input("v", "value")) { (v: String) in
            if v.isEmpty { throw PreventUpdate() }
            return v.uppercased()
        }
        return app
    }

    static func noOutputSetProps() -> DashApp {
        let one = html.Button.id("one"), quiet = html.Button.id("quiet"), both = html.Button.id("both")
        let log = html.Div.id("log"), cell = html.Div.family("cell"), memo = dcc.Store.id("memo")
        let result = html.Div.id("result")
        let app = DashApp()
        app.layout = html.Div([
            html.Button("one", id: one), html.Button("quiet", id: quiet), html.Button("both", id: both),
            html.Div(id: log), html.Div(id: cell[1]), dcc.Store(id: memo), html.Div(id: result),
        ])
        app.callback(NoOutput(), Input(one.nClicks), preventInitialCall: true) { n in
            setProps(log.children, "clicked \(n ?? 0)")
            setProps(log.title, "second call, same id: merged")
            setProps("memo", ["data": ["n": n]])
            setProps(cell[1].children, html.B("cell"))
            setProps(cell[1].style, ["color": "red"])
        }
        app.callback(NoOutput(), Input(quiet.nClicks), preventInitialCall: true) { _ in }
        app.callback(Output(result.children), Input(both.nClicks), preventInitialCall: true) { n in
            setProps(log.children, "from both")
            return n
        }
        return app
    }

    static func noUpdatePartial() -> DashApp {
        let a = html.Div.id("a"), b = html.Div.id("b"), c = html.Div.id("c"), pick = dcc.Dropdown.id("pick")
        let app = DashApp()
        app.layout = html.Div([
            dcc.Dropdown(id: pick, options: ["first", "second", "neither", "single", "both"], value: "first"),
            html.Div(id: a), html.Div(id: b), html.Div(id: c),
        ])
        app.callback(Outputs(Output(a.children).skippable, Output(b.children).skippable), Input("pick", "value")) {
            (pick: String) in
            (
                pick == "first" || pick == "both" ? .set("A") : .skip,
                pick == "second" || pick == "both" ? .set("B") : .skip
            )
        }
        app.callback(Output(c.children).skippable, Input("pick", "value")) { (pick: String) in
            pick == "neither" ? .skip : .set(pick)
        }
        return app
    }
}
