import DashJSON

@testable import Dash

extension ConformanceApp {
    static func nestedChildren() -> DashApp {
        let next = html.Button.id("next"), body = html.Div.id("body"), deep = html.Span.id("deep")
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = html.Div([html.Button("next", id: next), html.Div(id: body)])
        app.callback(Output(body.children), Input(next.nClicks)) { n in children(n) }
        app.callback(Output(deep.title), Input("deep", "children")) { (children: String) in "title of \(children)" }
        return app
    }

    private static func children(_ n: Int?) -> any Renderable {
        switch n {
        case nil: return JSON.null
        case 1: return "plain text"
        case 2: return html.Ul((0..<3).map { html.Li("\($0)", id: ["type": "li", "index": .int($0)]) })
        case 3:
            let deep = html.Div(
                [html.Div(html.Div(html.Span("deep", id: "deep")))],
                className: "x y",
                style: ["marginTop": 4]
            )
            let list: [any Renderable] = ["text next to ", html.B("a component"), 42, JSON.null, deep]
            return JSON.array(list.map(\.json))
        case 4:
            let options: JSON = [
                ["label": html.I("styled label").json, "value": "a"], ["label": "plain", "value": "b"],
            ]
            return Element(
                namespace: "dash_core_components",
                type: "Checklist",
                id: "checks",
                props: ["options": options, "value": ["a"]]
            )
        case 5:
            return html.Div(
                "attributes",
                hidden: false,
                tabIndex: 0,
                extra: ["data-kind": "k", "aria-label": "l"]
            )
        default:
            return [html.Div("from a tuple"), dcc.Markdown("# title")]
        }
    }

    static func runningPlain() -> DashApp {
        let go = html.Button.id("go"), out = html.Div.id("out")
        let button = { (i: IDValue) in html.Button.id(ComponentID(pattern: ["t": "b", "i": i])) }
        let line = { (i: IDValue) in html.Div.id(ComponentID(pattern: ["t": "o", "i": i])) }
        let app = DashApp()
        app.layout = html.Div(
            [html.Button("go", id: go), html.Div(id: out)]
                + (0..<2).map { i in html.Div([html.Button("\(i)", id: button(.int(i))), html.Div(id: line(.int(i)))]) }
        )
        app.callback(
            Output(out.children),
            Input(go.nClicks),
            running: [.set(go.disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { n in n }
        app.callback(
            Output(line(.match).children),
            Input(button(.match).nClicks),
            running: [
                .set(button(.match).disabled, to: true, finally: false),
                .set(button(.all).title, to: "busy", finally: ""),
            ],
            preventInitialCall: true
        ) { n in n }
        return app
    }

    static func allowDuplicate() -> DashApp {
        let red = html.Button.id("red"), blue = html.Button.id("blue"), box = html.Div.id("box")
        let note = html.Div.id("note"), button = html.Button.family("mb"), cell = html.Div.family("md")
        let app = DashApp()
        app.layout = html.Div([
            html.Button("red", id: red), html.Button("blue", id: blue), html.Div(id: box), html.Div(id: note),
            html.Button("m", id: button[1]), html.Div(id: cell[1]),
        ])
        app.callback(Output(box.style), Input(red.nClicks), preventInitialCall: true) { _ in ["background": "red"] }
        app.callback(
            Outputs(Output(box.style, allowDuplicate: true), Output(note.children)),
            Input(blue.nClicks),
            preventInitialCall: true
        ) { n in (["background": "blue"], "blue \(n ?? 0)") }
        app.callback(
            Output(cell.match.children, allowDuplicate: true),
            Input(button.match.nClicks),
            preventInitialCall: true
        ) { n in n }
        app.callback(
            Output(note.children, allowDuplicate: true),
            Input("box", "style"),
            preventInitialCall: .initialDuplicate
        ) { (style: JSON) in "init \(style.isNull ? "None" : style.text)" }
        return app
    }
}
