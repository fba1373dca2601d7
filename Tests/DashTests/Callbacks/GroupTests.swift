import DashJSON
import Testing

@testable import Dash

private struct Size: InputGroup {
    let width = Input<Int>("x", "value")
    let note = "no input"
    let place = Place()
}

private struct Place: InputGroup {
    let unit = State<String?>("unit", "value")
    let left = Input<Int>("left", "value")
}

private struct Panel: OutputGroup {
    let title = Output(title_.children)
    let busy = Output(run.disabled)
    let lines = [Output<String>("a", "children"), Output<String>("b", "children")]
    let chart = ChartPart()
}

private struct ChartPart: OutputGroup {
    let figure = Output<JSON>("chart", "figure")
}

private let title_ = title

@Suite("Groups of inputs and outputs")
struct GroupTests {
    private let body: JSON = [
        "output": "", "changedPropIds": ["left.value"],
        "inputs": [
            ["id": "x", "property": "value", "value": 3], ["id": "left", "property": "value", "value": 4],
        ],
        "state": [["id": "unit", "property": "value", "value": "cm"]],
    ]

    private func request(_ app: DashApp, outputs: JSON = .null) throws -> JSON {
        var body = body
        body["output"] = .string(try app.onlyCallback.id)
        if !outputs.isNull { body["outputs"] = outputs }
        return body
    }

    @Test("values and triggers are available by the names of their inputs, at any depth")
    func values() async throws {
        let app = DashApp()
        app.callback(Output<String>("out", "children"), Size()) { size in
            let triggered = [size.args.width, size.args.place.left, size.args.place.unit].map(\.isTriggered)
            return "\(size.width) \(size.place.left) \(size.place.unit ?? "") \(triggered)"
        }
        let answer = try await app.reply(request(app, outputs: ["id": "out", "property": "children"]))
        #expect(answer["response"]["out"]["children"] == "3 4 cm [false, true, false]")
        #expect(try app.onlyCallback.slots.map(\.ref.text) == ["x.value", "unit.value", "left.value"])
    }

    @Test("a value of another type is an error with the property's name")
    func wrongType() async throws {
        let app = DashApp()
        app.callback(NoOutput(), Size()) { _ in }
        var body = try request(app)
        body["inputs"] = [
            ["id": "x", "property": "value", "value": "no number"], ["id": "left", "property": "value", "value": 4],
        ]
        let error = await #expect(throws: DashError.self) { try await app.reply(body) }
        #expect(error?.message.contains("x.value") == true)
    }

    @Test("a list of inputs becomes a list of values")
    func inputList() async throws {
        let app = DashApp()
        let inputs = ["x", "left"].map { Input<Int>($0, "value") }
        app.callback(Output<Int>("out", "children"), inputs, State<String?>("unit", "value")) { values, _ in
            values.reduce(0, +)
        }
        let answer = try await app.reply(request(app, outputs: ["id": "out", "property": "children"]))
        #expect(answer["response"]["out"]["children"] == 7)
    }

    private var targets: JSON {
        [
            ["id": "title", "property": "children"], ["id": "button_id", "property": "disabled"],
            ["id": "a", "property": "children"], ["id": "b", "property": "children"],
            ["id": "chart", "property": "figure"],
        ]
    }

    private func answer(_ change: @escaping @Sendable (inout Updates<Panel>) -> Void) async throws -> JSON {
        let app = DashApp()
        app.callback(Panel(), Size()) { _ in
            var updates = Updates<Panel>()
            change(&updates)
            return updates
        }
        return try await app.reply(request(app, outputs: targets))["response"]
    }

    @Test("outputs are set by name; others stay unchanged")
    func updates() async throws {
        let some = try await answer { updates in
            updates.title = "Title"
            updates.chart.figure = ["data": []]
        }
        #expect(some == ["title": ["children": "Title"], "chart": ["figure": ["data": []]]])
        let lists = try await answer { updates in
            updates.lines = ["one", "two"]
            updates.title = "x"
            updates.skip(\.title)
        }
        #expect(lists == ["a": ["children": "one"], "b": ["children": "two"]])
    }

    @Test("nil is null for an output that may be null")
    func null() async throws {
        #expect(try await answer { $0.busy = nil } == ["button_id": ["disabled": nil]])
        #expect(try await answer { $0.busy = true } == ["button_id": ["disabled": true]])
        let patched = try await answer { updates in
            var patch = Patch()
            patch["data"][0]["y"].append(1)
            updates.patch(\.title, patch)
        }
        #expect(patched["title"]["children"]["operations"][0]["location"] == ["data", 0, "y"])
    }

    @Test("onError sets several outputs and groups, or leaves them unchanged", arguments: [true, false])
    func onError(isHandled: Bool) async throws {
        let several = DashApp()
        several.callback(
            Outputs(Output<String>("a", "children"), Output<String>("b", "children")),
            Size(),
            onError: { failure in isHandled ? (failure.message, "b") : nil }
        ) { _ in throw Broken() }
        let pair = JSON.array(Array((targets.arrayValue ?? [])[2...3]))
        let answer = try await several.reply(request(several, outputs: pair))["response"]
        #expect(answer == (isHandled ? ["a": ["children": "broken"], "b": ["children": "b"]] : [:]))
        let group = DashApp()
        group.callback(
            Panel(),
            Size(),
            onError: { failure in
                var updates = Updates<Panel>()
                updates.title = failure.message
                return isHandled ? updates : nil
            }
        ) { _ in throw Broken() }
        let part = try await group.reply(request(group, outputs: targets))["response"]
        #expect(part == (isHandled ? ["title": ["children": "broken"]] : [:]))
    }

    @Test("the components of a group's outputs")
    func targetsOfGroup() async throws {
        let app = DashApp()
        app.callback(Panel(), Size()) { _ in
            #expect(ctx.outputsGrouping(of: Panel()).busy == ["button_id"])
            return Updates<Panel>()
        }
        #expect(try await app.reply(request(app, outputs: targets))["response"] == [:])
    }

    @Test("more or fewer values than outputs of a list are an error")
    func wrongCount() async throws {
        let app = DashApp()
        app.callback([Output<Int>("a", "children"), Output<Int>("b", "children")], Size()) { _ in [1] }
        let body = try request(app, outputs: .array(Array((targets.arrayValue ?? [])[2...3])))
        let error = await #expect(throws: DashError.self) { try await app.reply(body) }
        #expect(error?.code == .wrongResult)
    }

    @Test("a list with one output is a list in the browser")
    func listOfOne() throws {
        let app = DashApp()
        app.callback(Outputs(title.children), Input(run.nClicks)) { _ in "x" }
        #expect(try app.onlyCallback.id == "..title.children..")
    }
}
