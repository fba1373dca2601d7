import DashJSON
import Testing

@testable import Dash

@Suite("Patterns")
struct PatternTests {
    private let row = html.Div.family("row")
    private let go = html.Button.family("go")

    @Test("any dictionary is a valid id with typed properties")
    func dictionaries() {
        let cell = html.Div.id(["kind": "cell", "column": "é.ü", "row": 3])
        #expect(PropertyRef(cell.title).text == #"{"column":"é\u002eü","kind":"cell","row":3}.title"#)
        let cells = html.Div.id(["kind": "cell", "column": .all, "row": .match])
        #expect(cells.title.isList == false)
        #expect(cells.all.title.isList)
        #expect(cells.all.title.as([String].self).isList)
        #expect(PropertyRef(row.every.title) == PropertyRef(row.all.title))
        #expect(row[.bool(true)].componentID == ["type": "row", "index": true])
    }

    /// The context of a call for row 2 of 3.
    private func context(_ sent: SentValues = SentValues()) -> CallbackContext {
        let members = (1...3).map { CallbackContext.Property(id: row[$0].componentID, property: "title", value: "t") }
        return CallbackContext(
            triggered: [],
            bindings: [
                CallbackContext.Binding(
                    isState: true,
                    isList: true,
                    members: members,
                    pattern: PropertyRef(row.all.title)
                ),
                CallbackContext.Binding(
                    isState: true,
                    isList: true,
                    members: Array(members.prefix(1)),
                    pattern: PropertyRef(row.allSmaller.title)
                ),
            ],
            request: .shared,
            outputs: [CallbackContext.Target(pattern: PropertyRef(row.match.children), ids: [row[2].componentID])],
            emit: sent.collect
        )
    }

    private func keys(_ sent: SentValues) -> [String] { sent.properties.map { "\($0.ref.text) = \($0.value)" } }

    @Test("setProps replaces match with the call's component")
    func match() {
        let sent = SentValues()
        context(sent).setProps(row.match.title, "new")
        context(sent).setProps(["type": "other", "index": .match], ["value": 1])
        #expect(keys(sent) == [#"{"index":2,"type":"row"}.title = "new""#, #"{"index":2,"type":"other"}.value = 1"#])
    }

    @Test("setProps leaves one value for all to the browser, and resolves a list to the call's components")
    func all() {
        let sent = SentValues()
        context(sent).setProps(row.every.title, "same")
        context(sent).setProps(row.all.title, ["a", "b", "c"])
        let index = { (place: Int) in #"{"index":\#(place),"type":"row"}.title = "# }
        #expect(
            keys(sent) == [
                #"{"index":["ALL"],"type":"row"}.title = "same""#, index(1) + #""a""#, index(2) + #""b""#,
                index(3) + #""c""#,
            ]
        )
    }

    @Test("setProps resolves allSmaller to components")
    func allSmaller() {
        let sent = SentValues()
        context(sent).setProps(row.everySmaller.title, "small")
        #expect(keys(sent) == [#"{"index":1,"type":"row"}.title = "small""#])
    }

    @Test("an unresolvable pattern is not sent")
    func nowhere() {
        let sent = SentValues()
        context(sent).setProps(["type": "x", "other": .match], ["value": 1])
        context(sent).setProps(row.all.title, ["only one"])
        context(sent).setProps(go.everySmaller.title, "x")
        #expect(sent.properties.isEmpty)
    }

    @Test("the context passes its patterns to a job")
    func travelling() throws {
        let bytes = context().encoded(carrying: JobContext(), isShared: true)
        let sent = SentValues()
        let arrived = try CallbackContext(decoding: bytes, emit: sent.collect)
        #expect(arrived.match == ["index": 2])
        #expect(arrived.outputsGrouping.map(\.id) == [row[2].componentID])
        arrived.setProps(row.everySmaller.title, "small")
        #expect(keys(sent) == [#"{"index":1,"type":"row"}.title = "small""#])
    }

    @Test("a list whose length differs from the number of components is an error")
    func wrongLength() async throws {
        let app = DashApp()
        app.callback(Output(row.all.title), Input(run.nClicks)) { _ in ["only one"] }
        let ids = (1...2).map { ["id": row[$0].componentID.json, "property": "title"] as JSON }
        var body = try click(output: #"{"index":["ALL"],"type":"row"}.title"#)
        body["outputs"] = .array(ids)
        let error = await #expect(throws: DashError.self) { try await app.reply(body) }
        #expect(error?.code == .wrongResult)
        #expect(error?.message.contains("2 components") == true)
    }

    @Test("members of a list of outputs can be set, patched, or skipped")
    func skippableMembers() async throws {
        let app = DashApp()
        app.callback(Output(row.all.title).eachSkippable(), Input(run.nClicks)) { _ in
            var patch = Patch()
            patch.clear()
            return [.set("first"), .skip, .patch(patch)]
        }
        var body = try click(output: #"{"index":["ALL"],"type":"row"}.title"#)
        body["outputs"] = .array((1...3).map { ["id": row[$0].componentID.json, "property": "title"] })
        let response = try await app.reply(body)["response"]
        #expect(response.objectValue?.count == 2)
        #expect(response[row[1].componentID.text]["title"] == "first")
        #expect(response[row[3].componentID.text]["title"]["operations"][0]["operation"] == "Clear")
    }
}
