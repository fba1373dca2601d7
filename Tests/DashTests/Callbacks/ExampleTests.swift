import DashJSON
import Testing

@testable import Dash

@Suite("The examples of Dash's documentation of background callbacks")
struct ExampleTests {
    private static let all: [(name: String, make: @Sendable () -> DashApp)] = [
        ("simple", simpleExample), ("running", runningExample), ("cancel", cancelExample),
        ("progress", progressExample),
        ("progress-graph", progressGraphExample), ("caching", cachingExample), ("set-props", setPropsExample),
    ]

    @Test("have no findings", arguments: all.map(\.name))
    func noFindings(name: String) throws {
        let example = try #require(Self.all.first { $0.name == name })
        #expect(example.make().findings.isEmpty)
    }

    @Test("simple: the entry equals Dash's, except for the poll interval")
    func simple() throws {
        let expected = try parse(
            """
            [{"output": "paragraph_id.children", "inputs": [{"id": "button_id", "property": "n_clicks"}], "state": [], \
            "clientside_function": null, "prevent_initial_call": false, "background": {"interval": 0}, \
            "dynamic_creator": null, "no_output": false, "optional": false, "hidden": false, "websocket": false, \
            "persistent": false}]
            """
        )
        #expect(simpleExample().registry.dependencies() == expected)
    }

    @Test("running: the entry has the values during and after the job")
    func running() {
        let entry = runningExample().registry.dependencies()[0]
        #expect(
            entry["running"] == [
                "running": ["button_id.disabled": true], "runningOff": ["button_id.disabled": false],
            ]
        )
    }

    @Test("cancel: a callback is added for the input")
    func cancel() throws {
        let app = cancelExample()
        let entries = app.registry.dependencies()
        #expect(entries.arrayValue?.count == 2)
        let output = try #require(entries[1]["output"].stringValue)
        #expect(output.hasPrefix("cancel_button_id.id@"))
        #expect(entries[1]["inputs"] == [["id": "cancel_button_id", "property": "n_clicks"]])
        #expect(entries[1]["prevent_initial_call"] == true)
        #expect(entries[1]["background"] == .null)
        #expect(entries[1]["no_output"] == false)
        #expect(app.registry.callback(for: output)?.kind == .cancel)
    }

    @Test("progress: four values are set while it runs, without an initial call")
    func progress() throws {
        let app = progressExample()
        let entry = app.registry.dependencies()[0]
        #expect(entry["prevent_initial_call"] == true)
        #expect(entry["running"]["running"].objectValue?.count == 4)
        #expect(entry["running"]["runningOff"]["progress_bar.style"] == ["visibility": "hidden"])
        let background = try #require(app.registry.callbacks[0].background)
        #expect(background.progress.map(\.text) == ["progress_bar.value", "progress_bar.max"])
        #expect(background.progressDefault == nil)
    }

    @Test("progress-graph: the default is a figure")
    func progressGraph() throws {
        let background = try #require(progressGraphExample().registry.callbacks[0].background)
        let value = try #require(background.progressDefault?.first)
        #expect(value.ref.text == "progress_bar_graph.figure")
        #expect(value.value.json["data"][0]["x"] == [0])
        #expect(value.value.json["layout"]["height"] == 100)
    }

    @Test("caching: two outputs, and a cache that expires")
    func caching() throws {
        let callback = try #require(cachingExample().registry.callbacks.first)
        #expect(callback.id == "..paragraph_id.children...button_id.n_clicks..")
        #expect(callback.background?.cache?.expire == .seconds(60))
        #expect(callback.background?.cache?.scope == .shared)
    }

    @Test("set-props: a job without outputs has a reserved one, and its properties are set in order")
    func setProps() async throws {
        let callback = try #require(setPropsExample().registry.callbacks.first)
        #expect(callback.id.hasPrefix("button_id.id@"))
        #expect(callback.dependency["no_output"] == false)
        let sent = SentValues()
        let outcome = try await callback.run(in: makeContext(arguments: [1], emit: sent.collect))
        #expect(outcome == .updates([]))
        #expect(sent.properties.map { $0.value.json.arrayValue?.count } == [1, 2])
        #expect(sent.properties.first?.ref.text == "ag-grid-updating.rowData")
    }
}
