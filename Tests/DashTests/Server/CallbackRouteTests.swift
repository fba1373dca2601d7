import DashJSON
import HTTPTypes
import Testing

@testable import Dash

// Requests and responses were recorded with stock Dash 4.4.1 and the same apps.
@Suite("Regular callbacks over HTTP, compared with stock Dash")
struct CallbackRouteTests {
    @Test("One output")
    func singleOutput() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("greeting", "children"), Input("name", "value")) { (name: String?) in
            "Hello \(name ?? "None")"
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            for (value, greeting) in [("Ada" as JSON, "Hello Ada"), ("Bob", "Hello Bob"), (.null, "Hello None")] {
                let answer = try await page.post(call("greeting.children", ["name.value": value]))
                #expect(answer.status == 200)
                #expect(answer.headers[.contentType] == "application/json")
                #expect(answer.text == #"{"multi":true,"response":{"greeting":{"children":"\#(greeting)"}}}"#)
            }
            // A property that is not set has no value.
            let missing = call("greeting.children", [:], changed: [])
            var body = missing
            body["inputs"] = [["id": "name", "property": "value"]]
            #expect(try await page.post(body).json["response"]["greeting"]["children"] == "Hello None")
        }
    }

    @Test("The dependencies have the same members as in stock Dash, in the same order")
    func dependencies() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("greeting", "children"), Input("name", "value")) { (name: String?) in name ?? "" }
        try await TestSite(app).serve { visit in
            let answer = try await visit.ask(.get, "/_dash-dependencies")
            let wanted = """
                [{"output":"greeting.children","inputs":[{"id":"name","property":"value"}],"state":[],\
                "clientside_function":null,"prevent_initial_call":false,"background":null,"dynamic_creator":null,\
                "no_output":false,"optional":false,"hidden":false,"websocket":false,"persistent":false}]
                """
            #expect(answer.headers[.contentType] == "application/json")
            #expect(answer.text == wanted)
        }
    }

    @Test("Several outputs, also of one component")
    func multiOutput() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(
            Outputs(
                Output<Int>("square", "children"),
                Output<Int>("cube", "children"),
                Output<String>("cube", "title")
            ),
            Input("n", "value")
        ) { (n: Int) in (n * n, n * n * n, "\(n) cubed") }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let output = "..square.children...cube.children...cube.title.."
            let first = try await page.post(call(output, ["n.value": 3], changed: []))
            let wanted =
                #"{"multi":true,"response":{"square":{"children":9},"cube":{"children":27,"title":"3 cubed"}}}"#
            #expect(first.text == wanted)
            let second = try await page.post(call(output, ["n.value": 5]))
            #expect(second.json["response"]["cube"] == ["children": 125, "title": "5 cubed"])
        }
    }

    @Test("State values follow the inputs")
    func state() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(
            Output("out", "children"),
            Input("go", "n_clicks"),
            State("first", "value"),
            State("last", "value")
        ) { (n: Int, first: String, last: String) in "\(n): \(first) \(last)" }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let body = call(
                "out.children",
                ["go.n_clicks": 1],
                state: ["first.value": "Barbara", "last.value": "Liskov"]
            )
            let answer = try await page.post(body)
            #expect(answer.text == #"{"multi":true,"response":{"out":{"children":"1: Barbara Liskov"}}}"#)
        }
    }

    @Test("PreventUpdate returns 204 without a body")
    func preventUpdate() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("v", "value")) { (v: String) in
            guard !v.isEmpty else { throw PreventUpdate() }
            return v.uppercased()
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let none = try await page.post(call("out.children", ["v.value": ""], changed: []))
            #expect(none.status == 204)
            #expect(none.bytes.isEmpty)
            let some = try await page.post(call("out.children", ["v.value": "x"]))
            #expect(some.text == #"{"multi":true,"response":{"out":{"children":"X"}}}"#)
        }
    }

    @Test("Skipped outputs are omitted; if all are skipped, the status is 200, not 204")
    func skip() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(
            Outputs(Output<String>("a", "children").skippable, Output<String>("b", "children").skippable),
            Input("pick", "value")
        ) { (pick: String) in
            let a: Update<String> = pick == "first" || pick == "both" ? .set("A") : .skip
            let b: Update<String> = pick == "second" || pick == "both" ? .set("B") : .skip
            return (a, b)
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let answers = [
                "first": #"{"multi":true,"response":{"a":{"children":"A"}}}"#,
                "second": #"{"multi":true,"response":{"b":{"children":"B"}}}"#,
                "neither": #"{"multi":true,"response":{}}"#,
                "both": #"{"multi":true,"response":{"a":{"children":"A"},"b":{"children":"B"}}}"#,
            ]
            for (pick, wanted) in answers {
                let body = call("..a.children...b.children..", ["pick.value": .string(pick)])
                let answer = try await page.post(body)
                #expect(answer.status == 200)
                #expect(answer.text == wanted)
            }
        }
    }

    @Test("Running values are in the dependencies, not in the response")
    func running() async throws {
        let app = DashApp()
        app.layout = html.Div()
        let go = html.Button.id("go")
        app.callback(
            Output("out", "children"),
            Input(go.nClicks),
            running: [.set(go.disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { clicks in clicks ?? 0 }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let spec = try await visit.ask(.get, "/_dash-dependencies").json[0]
            #expect(spec["running"] == ["running": ["go.disabled": true], "runningOff": ["go.disabled": false]])
            let answer = try await page.post(call("out.children", ["go.n_clicks": 1]))
            #expect(answer.text == #"{"multi":true,"response":{"out":{"children":1}}}"#)
        }
    }
}

@Suite("setProps of regular callbacks over HTTP, compared with stock Dash")
struct SideUpdateRouteTests {
    private func app() -> DashApp {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(NoOutput(), Input("one", "n_clicks"), preventInitialCall: true) { (n: Int) in
            setProps("log", ["children": "clicked \(n)"])
            setProps("log", ["title": "second call, same id: merged"])
            setProps("memo", ["data": ["n": n]])
            let cell: ComponentID = ["type": "cell", "index": 1]
            setProps(cell, ["children": html.B("cell"), "style": ["color": "red"]])
        }
        app.callback(NoOutput(), Input("quiet", "n_clicks"), preventInitialCall: true) { (_: Int) in }
        app.callback(Output("result", "children"), Input("both", "n_clicks"), preventInitialCall: true) { (n: Int) in
            setProps("log", ["children": "from both"])
            return n
        }
        app.callback(Output("none", "children"), Input("stopped", "n_clicks"), preventInitialCall: true) {
            (_: Int) -> String in
            setProps("log", ["children": "before"])
            throw PreventUpdate()
        }
        return app
    }

    /// The output of the callback with this input in the dependencies.
    private func output(of input: String, _ visit: Visit) async throws -> String {
        let specs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
        return try #require(specs.first { $0["inputs"][0]["id"].stringValue == input }?["output"].stringValue)
    }

    @Test("Without outputs the response is empty, with the set properties")
    func noOutput() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.open()
            let answer = try await page.post(call(output(of: "one", visit), ["one.n_clicks": 1]))
            let wanted = try JSON(
                parsing: #"""
                    {"multi": true, "sideUpdate": {"log": {"children": "clicked 1", "title": "second call, same id: merged"},
                    "memo": {"data": {"n": 1}}, "{\"index\":1,\"type\":\"cell\"}": {"children": {"props": {"children": "cell"},
                    "type": "B", "namespace": "dash_html_components"}, "style": {"color": "red"}}}, "response": {}}
                    """#
            )
            #expect(answer.status == 200)
            #expect(answer.json == wanted)
        }
    }

    @Test("Without outputs and set properties, the status is 204")
    func nothingSet() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(call(output(of: "quiet", visit), ["quiet.n_clicks": 1])).status == 204)
        }
    }

    @Test("The response contains the output and the set properties")
    func both() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.open()
            let answer = try await page.post(call("result.children", ["both.n_clicks": 1]))
            let wanted: JSON = [
                "multi": true, "sideUpdate": ["log": ["children": "from both"]],
                "response": ["result": ["children": 1]],
            ]
            #expect(answer.json == wanted)
        }
    }

    @Test("Properties set before PreventUpdate are sent")
    func setBeforePreventUpdate() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.open()
            let answer = try await page.post(call("none.children", ["stopped.n_clicks": 1]))
            let wanted: JSON = ["multi": true, "sideUpdate": ["log": ["children": "before"]], "response": [:]]
            #expect(answer.json == wanted)
        }
    }
}
