import DashJSON
import Testing

@testable import Dash

@Suite("Dependencies")
struct DependencyTests {
    @Test("one input, one output: the same entry as in Dash")
    func single() throws {
        let app = DashApp()
        app.callback(Output("greeting", "children"), Input("name", "value")) { (name: String?) in "Hello \(name ?? "")"
        }
        let expected = try parse(
            """
            [{"output": "greeting.children", "inputs": [{"id": "name", "property": "value"}], "state": [], \
            "clientside_function": null, "prevent_initial_call": false, "background": null, "dynamic_creator": null, \
            "no_output": false, "optional": false, "hidden": false, "websocket": false, "persistent": false}]
            """
        )
        #expect(app.registry.dependencies() == expected)
    }

    @Test("the members come in Dash's order")
    func order() throws {
        let app = DashApp()
        app.callback(
            Output(paragraph.children),
            Input(run.nClicks),
            running: [.set(run.disabled, to: true, finally: false)]
        ) { _ in "" }
        #expect(
            try app.onlyCallback.dependency.objectValue?.map(\.key) == [
                "output", "inputs", "state", "clientside_function", "prevent_initial_call", "background",
                "dynamic_creator", "no_output", "optional", "hidden", "websocket", "persistent", "running",
            ]
        )
    }

    @Test("several outputs are one text; states are separate from inputs")
    func several() throws {
        let app = DashApp()
        app.callback(
            Outputs(Output("square", "children"), Output("cube", "children"), Output("cube", "title")),
            Input("n", "value"),
            State("who", "children"),
            Input(run.nClicks)
        ) { (n: Int, who: String, _) in (n * n, n * n * n, who) }
        let entry = try app.onlyCallback.dependency
        #expect(entry["output"] == "..square.children...cube.children...cube.title..")
        #expect(
            entry["inputs"] == [
                ["id": "n", "property": "value"], ["id": "button_id", "property": "n_clicks"],
            ]
        )
        #expect(entry["state"] == [["id": "who", "property": "children"]])
    }

    @Test("a pattern id is JSON text with its wildcards as lists")
    func patterns() throws {
        let app = DashApp()
        let button = html.Button.family("mb"), cell = html.Div.family("md")
        app.callback(Output(cell.match.children), Input(button.match.nClicks)) { clicks in clicks }
        let entry = try app.onlyCallback.dependency
        #expect(entry["output"] == #"{"index":["MATCH"],"type":"md"}.children"#)
        #expect(entry["inputs"][0]["id"] == #"{"index":["MATCH"],"type":"mb"}"#)
    }

    @Test("an output that allows duplicates has a hash after its property")
    func duplicates() throws {
        let app = DashApp()
        app.callback(
            Outputs(Output(paragraph.style, allowDuplicate: true), Output(title.children)),
            Input(run.nClicks),
            preventInitialCall: true
        ) { _ in (["color": "blue"], "blue") }
        let output = try #require(try app.onlyCallback.dependency["output"].stringValue)
        #expect(output.hasPrefix("..paragraph_id.style@"))
        #expect(output.hasSuffix("...title.children.."))
        #expect(app.findings.map(\.sentence) == ["The app has no layout. Set app.layout."])
    }

    @Test(
        "only preventInitialCall: true prevents the initial call",
        arguments: [
            (PreventInitialCall.yes, true), (.no, false), (.initialDuplicate, false),
        ]
    )
    func initialCall(rule: PreventInitialCall, sent: Bool) throws {
        let app = DashApp()
        app.callback(Output(paragraph.children), Input(run.nClicks), preventInitialCall: rule) { _ in "" }
        #expect(try app.onlyCallback.dependency["prevent_initial_call"] == .bool(sent))
    }

    @Test("the id of a regular callback without outputs is a hash")
    func noOutput() throws {
        let app = DashApp()
        app.callback(NoOutput(), Input(run.nClicks)) { _ in }
        let entry = try app.onlyCallback.dependency
        #expect(entry["no_output"] == true)
        #expect(entry["output"].stringValue?.contains(".") == false)
    }

    @Test("defects 7 and 13: callbacks without outputs differ by name, inputs and state")
    func noOutputIdentity() {
        let app = DashApp()
        app.backgroundCallback(NoOutput(), Input(run.nClicks)) { _ in }
        app.backgroundCallback(NoOutput(), Input(run.nClicks), State(stop.nClicks)) { _, _ in }
        app.backgroundCallback(NoOutput(), Input(run.nClicks), name: "other") { _ in }
        app.callback(NoOutput(), Input(run.nClicks)) { _ in }
        app.callback(NoOutput(), Input(run.nClicks), name: "third") { _ in }
        let ids = app.registry.callbacks.map(\.id)
        #expect(Set(ids).count == 5)
        #expect(ids[..<3].allSatisfy { $0.hasPrefix("button_id.id@") })
    }

    @Test("defects 10 and 12: each cancel input has its own callback, shared by the jobs it ends")
    func cancelInputs() {
        let app = DashApp()
        let cancel: [any AnyInput] = [Input(stop.nClicks), Input(stop.nClicksTimestamp)]
        app.backgroundCallback(Output(paragraph.children), Input(run.nClicks), cancel: cancel) { _ in "" }
        app.backgroundCallback(Output(title.children), Input(run.nClicks), cancel: [Input(stop.nClicks)]) { _ in "" }
        let outputs = app.registry.cancelCallbacks.map(\.id)
        #expect(outputs.count == 2)
        #expect(Set(outputs).count == 2)
        #expect(outputs.allSatisfy { $0.hasPrefix("cancel_button_id.id@") })
    }

    @Test("the ids are stable across launches")
    func stable() {
        #expect(setPropsExample().registry.dependencies() == setPropsExample().registry.dependencies())
        #expect(setPropsExample().registry.callbacks[0].id == "button_id.id@786f106ecb8e520adfda490355e2bba7")
    }

    @Test("an optional input is marked")
    func optional() throws {
        let app = DashApp()
        app.callback(Output(paragraph.children), Input(run.nClicks, allowOptional: true)) { _ in "" }
        #expect(try app.onlyCallback.dependency["inputs"][0]["allow_optional"] == true)
    }
}
