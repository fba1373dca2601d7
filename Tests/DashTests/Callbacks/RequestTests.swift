import DashJSON
import Testing

@testable import Dash

@Suite("Requests")
struct RequestTests {
    private func app() -> DashApp {
        let app = DashApp()
        app.callback(
            Outputs(paragraph.children, title.children),
            Input(run.nClicks),
            State("city", "value"),
            Input(stop.nClicks)
        ) { (clicks, city: String?, stops) in ("\(clicks ?? 0) \(city ?? "nowhere") \(stops ?? 0)", "") }
        return app
    }

    private let body: JSON = [
        "output": "..paragraph_id.children...title.children..",
        "outputs": [
            ["id": "paragraph_id", "property": "children"], ["id": "title", "property": "children"],
        ],
        "inputs": [
            ["id": "button_id", "property": "n_clicks", "value": 3],
            ["id": "cancel_button_id", "property": "n_clicks", "value": 4],
        ],
        "state": [["id": "city", "property": "value", "value": "Oslo"]],
        "changedPropIds": ["cancel_button_id.n_clicks"],
    ]

    @Test("arguments are in declaration order, not in request order")
    func order() async throws {
        let reply = try await app().reply(body)
        #expect(reply["response"]["paragraph_id"]["children"] == "3 Oslo 4")
    }

    @Test("a missing value is null")
    func missing() async throws {
        var body = body
        body["inputs"] = [
            ["id": "button_id", "property": "n_clicks"], ["id": "cancel_button_id", "property": "n_clicks"],
        ]
        body["state"] = [["id": "city", "property": "value"]]
        let reply = try await app().reply(body)
        #expect(reply["response"]["paragraph_id"]["children"] == "0 nowhere 0")
    }

    @Test("triggers have their values")
    func triggered() throws {
        let callback = try app().onlyCallback
        let request = try CallbackRequest(decoding: body, for: callback)
        let context = request.context(page: PageRequest(), owner: "", emit: { _ in })
        #expect(context.triggered == [.init(id: "cancel_button_id", property: "n_clicks", value: 4)])
        #expect(context.triggeredID == "cancel_button_id")
        #expect(context.inputs.map(\.value) == [3, 4])
        #expect(context.states.map(\.value) == ["Oslo"])
    }

    @Test("an initial call has no trigger, also when the list is missing")
    func initial() throws {
        let callback = try app().onlyCallback
        var body = body
        body["changedPropIds"] = []
        #expect(try CallbackRequest(decoding: body, for: callback).triggered.isEmpty)
        body["changedPropIds"] = .null
        #expect(try CallbackRequest(decoding: body, for: callback).triggered.isEmpty)
    }

    @Test(
        "a request that does not match the callback is an error",
        arguments: [
            ("outputs", #"[{"id":"paragraph_id","property":"children"}]"#),
            ("outputs", #"[{"id":"paragraph_id","property":"children"},{"id":"other","property":"children"}]"#),
            ("outputs", #"[{"id":"paragraph_id","property":"children"},{"id":"title","property":"style"}]"#),
            ("outputs", "null"),
            ("inputs", "[]"),
            ("inputs", #"[{"id":"other","property":"n_clicks"},{"id":"cancel_button_id","property":"n_clicks"}]"#),
            ("inputs", #"[1,2]"#),
            ("state", "null"),
            ("state", #"[{"id":"city","property":"value"},{"id":"city","property":"value"}]"#),
        ]
    )
    func refused(member: String, value: String) throws {
        let callback = try app().onlyCallback
        var body = body
        body[member] = try parse(value)
        let error = #expect(throws: DashError.self) { try CallbackRequest(decoding: body, for: callback) }
        #expect(error?.code == .invalidRequest)
    }

    @Test("a value of another type is an error with the property's name")
    func otherType() async throws {
        var body = body
        body["inputs"] = [
            ["id": "button_id", "property": "n_clicks", "value": "three"],
            ["id": "cancel_button_id", "property": "n_clicks"],
        ]
        let error = await #expect(throws: DashError.self) { try await app().reply(body) }
        #expect(error?.code == .typeMismatch)
        #expect(error?.message.contains("button_id.n_clicks") == true)
    }

    @Test("a pattern accepts matching ids only, and updates them")
    func match() async throws {
        let app = DashApp()
        let button = html.Button.family("mb"), cell = html.Div.family("md")
        app.callback(Output(cell.match.children), Input(button.match.nClicks)) { clicks in
            "\(ctx.triggeredID?.text ?? "") \(clicks ?? 0)"
        }
        var body: JSON = [
            "output": #"{"index":["MATCH"],"type":"md"}.children"#,
            "outputs": ["id": ["index": 2, "type": "md"], "property": "children"],
            "inputs": [["id": ["index": 2, "type": "mb"], "property": "n_clicks", "value": 5]],
            "changedPropIds": [#"{"index":2,"type":"mb"}.n_clicks"#],
        ]
        let reply = try await app.reply(body)
        #expect(reply["response"][#"{"index":2,"type":"md"}"#]["children"] == #"{"index":2,"type":"mb"} 5"#)
        body["outputs"] = ["id": ["index": 2, "type": "other"], "property": "children"]
        await #expect(throws: DashError.self) { try await app.reply(body) }
    }

    @Test("all components of a pattern are a list in arguments and results")
    func all() async throws {
        let app = DashApp()
        let button = html.Button.family("mb"), cell = html.Div.family("md")
        app.callback(Output(cell.all.title), Input(button.all.nClicks)) { clicks in clicks.map { "\($0 ?? 0)" } }
        let reply = try await app.reply([
            "output": #"{"index":["ALL"],"type":"md"}.title"#,
            "outputs": [
                ["id": ["index": 1, "type": "md"], "property": "title"],
                ["id": ["index": 2, "type": "md"], "property": "title"],
            ],
            "inputs": [
                [
                    ["id": ["index": 1, "type": "mb"], "property": "n_clicks", "value": 7],
                    ["id": ["index": 2, "type": "mb"], "property": "n_clicks"],
                ]
            ],
            "changedPropIds": [],
        ])
        #expect(reply["response"][#"{"index":1,"type":"md"}"#]["title"] == "7")
        #expect(reply["response"][#"{"index":2,"type":"md"}"#]["title"] == "0")
    }

    @Test("a duplicate output has its hash in requests")
    func duplicate() async throws {
        let app = DashApp()
        app.callback(
            Output(paragraph.children, allowDuplicate: true),
            Input(run.nClicks),
            preventInitialCall: true
        ) { _ in "done" }
        let reply = try await app.reply(click(output: try app.onlyCallback.id))
        #expect(reply == ["multi": true, "response": ["paragraph_id": ["children": "done"]]])
    }
}
