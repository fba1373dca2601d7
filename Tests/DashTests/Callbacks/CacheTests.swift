import DashJSON
import Jobs
import Testing

@testable import Dash

@Suite("Cache policies and job options")
struct CacheTests {
    private func slots(_ properties: Prop<Int?>...) -> [Slot] {
        properties.flatMap { Input($0).slots }
    }

    @Test("by default all arguments are part of the key")
    func all() {
        let policy = CachePolicy.by({ "v1" })
        #expect(policy.keptArguments([1, 2], of: slots(run.nClicks, stop.nClicks)) == [1, 2])
    }

    @Test("an argument is ignored by its property or by its position")
    func ignoring() {
        let slots = slots(run.nClicks, stop.nClicks)
        #expect(CachePolicy.by({ 1 }, ignoring: [run.nClicks]).keptArguments([1, 2], of: slots) == [2])
        #expect(CachePolicy.by({ 1 }, ignoring: [.index(1)]).keptArguments([1, 2], of: slots) == [1])
        let both = CachePolicy.by({ 1 }, ignoring: [run.nClicks, dcc.Input.id("x").value])
        #expect(both.ignored.count == 2)
    }

    @Test("the closure may be asynchronous, may throw, and returns any JSON")
    func value() async throws {
        let policy = CachePolicy.by({ () async throws -> [String: Int] in
            await Task.yield()
            return ["version": 3]
        })
        #expect(try await policy.value().description == #"{"version":3}"#)
    }

    @Test("all users share a result unless its scope is the session")
    func scope() {
        #expect(CachePolicy.by({ 1 }).scope == .shared)
        #expect(CachePolicy.by({ 1 }, scope: .session).scope == .session)
    }

    @Test("options of a background callback are stored")
    func options() throws {
        let app = DashApp()
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            interval: .milliseconds(200),
            retries: .upTo(3),
            name: "report"
        ) { _ in "" }
        let callback = try app.onlyCallback
        #expect(callback.background?.interval == .milliseconds(200))
        #expect(callback.background?.retries.limit == 3)
        #expect(callback.name == "report")
        #expect(callback.id == "paragraph_id.children")
        #expect(callback.signature == "(Optional<Int>) -> Renderable")
        #expect(app.registry.backgroundCallback(named: "report")?.id == callback.id)
    }

    @Test("the launch ID is constant in a process")
    func launchID() {
        #expect(DashApp().launchID == DashApp().launchID)
        let id = LaunchID.make()
        #expect(id.count == 36)
        #expect(id.split(separator: "-").map(\.count) == [8, 4, 4, 4, 12])
        #expect(id != LaunchID.make())
    }
}

@Suite("Outcomes of jobs")
struct OutcomeTests {
    @Test(
        "any outcome can be encoded and decoded",
        arguments: [
            #"{}"#, #"{"0":"a"}"#, #"{"1":{"a":[1,{"b":"}],{"}],"c":"\"\\"},"2":null}"#, #"{"0":[],"1":{},"2":-1.5e3}"#,
        ]
    )
    func survives(text: String) throws {
        let outcome = try CallbackOutcome(decoding: RawJSON(unchecked: Array(text.utf8)))
        #expect(outcome.encoded.description == text)
    }

    @Test("values are extracted without parsing")
    func cut() throws {
        let outcome = try CallbackOutcome(decoding: RawJSON(unchecked: Array(#"{"0":"a,b:}","2":[1,2]}"#.utf8)))
        #expect(
            outcome
                == .updates([
                    OutputUpdate(index: 0, value: RawJSON("a,b:}")), OutputUpdate(index: 2, value: RawJSON([1, 2])),
                ])
        )
    }

    @Test("PreventUpdate is null")
    func preventUpdate() throws {
        #expect(CallbackOutcome.preventUpdate.encoded == .null)
        #expect(try CallbackOutcome(decoding: .null) == .preventUpdate)
    }

    @Test(
        "truncated or invalid outcomes are errors and do not trap",
        arguments: [
            "", "3", "[1]", "{", #"{"0":"#, #"{"0"}"#, #"{"0":"a}"#, #"{"a":1}"#, #"{"0":"\"#, #"{"0":[1}"#,
        ]
    )
    func refused(text: String) {
        #expect(throws: DashError.self) { try CallbackOutcome(decoding: RawJSON(unchecked: Array(text.utf8))) }
    }
}

@Suite("Response bodies")
struct ResponseTests {
    private func update(_ property: String, _ value: JSON, of id: ComponentID = "bar") -> PropertyUpdate {
        PropertyUpdate(ref: PropertyRef(id: id, property: property), value: RawJSON(json: value))
    }

    private func text(_ response: CallbackResponse) -> String { String(decoding: response.bytes, as: UTF8.self) }

    @Test("without updates the body has no response")
    func nothingNew() {
        #expect(text(CallbackResponse()) == #"{"multi":true}"#)
    }

    @Test("the start of a job: handle, cancel inputs with ids as values, and progress defaults")
    func start() {
        let response = CallbackResponse(
            progressDefault: [update("value", "0"), update("max", "2")],
            job: "h~1",
            cancel: [
                PropertyRef(id: "stop", property: "n_clicks"),
                PropertyRef(id: ["type": "s", "index": 1], property: "n_clicks"),
            ]
        )
        #expect(
            text(response)
                == #"{"multi":true,"job":"h~1","cancel":[{"id":"stop","property":"n_clicks"},"#
                + #"{"id":{"index":1,"type":"s"},"property":"n_clicks"}],"#
                + #""progressDefault":{"bar.value":"0","bar.max":"2"}}"#
        )
    }

    @Test("progress is flat, side updates are grouped by component, the last value wins")
    func poll() {
        let response = CallbackResponse(
            sideUpdate: [
                update("a", 1, of: "x"), update("b", 2, of: "y"), update("a", 3, of: "x"), update("c", 4, of: "x"),
            ],
            progress: [update("value", "1"), update("value", "2")]
        )
        #expect(
            text(response)
                == #"{"multi":true,"progress":{"bar.value":"2"},"sideUpdate":{"x":{"a":3,"c":4},"y":{"b":2}}}"#
        )
    }

    @Test("an empty response is written, as it ends a job")
    func end() {
        #expect(text(CallbackResponse(response: [])) == #"{"multi":true,"response":{}}"#)
    }
}
