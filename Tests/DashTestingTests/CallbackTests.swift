import Dash
import DashTesting
import Testing

/// Which callbacks run, when, and with which values.
@Suite struct CallbackTests {
    let input = dcc.Input.id("input"), output = html.Div.id("output")
    let a = html.Div.id("a"), b = html.Div.id("b"), c = html.Div.id("c"), d = html.Div.id("d")
    let button = html.Button.id("button")

    @Test func typedValueRunsTheCallback() async throws {
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: ""), html.Div(id: output)]
        app.callback(Output(output.children), Input(input.value)) { value in "You said \(value ?? "")" }
        try await app.test { page in
            #expect(page[output.children] == "You said ")
            try await page.set(input.value, "x")
            #expect(page[output.children] == "You said x")
            try await page.type("y", into: input)
            #expect(page[input.value] == "y")
            #expect(try page.text(of: output) == "You said y")
        }
    }

    @Test func clicksAreCounted() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div(id: output)]
        app.callback(Output(output.children), Input(button.nClicks)) { "\($0 ?? -1)" }
        try await app.test { page in
            #expect(page[output.children] == "-1")
            try await page.click(button)
            try await page.click("button")
            #expect(page[output.children] == "2")
            #expect(page[button.nClicks] == 2)
        }
    }

    @Test func chainRunsInOrderAndEachOnce() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [
            html.Button("Go", id: button), html.Div(id: a), html.Div(id: b), html.Div(id: c), html.Div(id: d),
        ]
        // In reverse, so that the order of registration differs from the order of the chain.
        app.callback(Output(d.children), Input("b", "children"), Input("c", "children")) { (b: String, c: String) in
            log.note("d")
            return "\(b)+\(c)"
        }
        app.callback(Output(c.children), Input("a", "children")) { (a: String) in
            log.note("c")
            return "c\(a)"
        }
        app.callback(Output(b.children), Input("a", "children")) { (a: String) in
            log.note("b")
            return "b\(a)"
        }
        app.callback(Output(a.children), Input(button.nClicks)) { clicks in
            log.note("a")
            return "\(clicks ?? 0)"
        }
        try await app.test { page in
            #expect(page[d.children] == "b0+c0")
            // Initial calls run in the order of the page, then of registration.
            #expect(log.take() == ["a", "b", "c", "d"])
            try await page.click(button)
            #expect(page[d.children] == "b1+c1")
            #expect(log.take() == ["a", "c", "b", "d"])
        }
    }

    @Test func preventInitialCallWaitsForAChange() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div(id: a), html.Div("as it was", id: b), html.Div(id: c)]
        app.callback(Output(a.children), Input(button.nClicks), preventInitialCall: true) { "\($0 ?? 0)" }
        app.callback(Output(b.children), Input(a.children), preventInitialCall: true) { _ in "changed" }
        app.callback(Output(c.children), Input(a.children)) { a in "saw \(a.jsonText)" }
        try await app.test { page in
            #expect(page[a.children] == nil)
            #expect(page[b.children] == "as it was")
            #expect(page[c.children] == "saw null")
            try await page.click(button)
            #expect(page[b.children] == "changed")
            #expect(page[c.children] == #"saw "1""#)
        }
    }

    @Test func preventUpdateEndsTheChain() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div("old", id: a), html.Div("old", id: b)]
        app.callback(Output(a.children), Input(button.nClicks)) { clicks in
            guard let clicks, clicks > 1 else { throw PreventUpdate() }
            return "new"
        }
        app.callback(Output(b.children), Input(a.children)) { _ in
            log.note("b")
            return "followed"
        }
        try await app.test { page in
            #expect(page[a.children] == "old")
            // It only waited for the first callback, which changed nothing.
            #expect(page[b.children] == "old")
            try await page.click(button)
            #expect(log.all.isEmpty)
            try await page.click(button)
            #expect(page[b.children] == "followed")
        }
    }

    @Test func skippedOutputStaysAsItIs() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div("a0", id: a), html.Div("b0", id: b)]
        app.callback(
            Outputs(Output(a.children).skippable, Output(b.children)),
            Input(button.nClicks),
            preventInitialCall: true
        ) { clicks in (.skip, "b\(clicks ?? 0)") }
        try await app.test { page in
            try await page.click(button)
            #expect(page[a.children] == "a0")
            #expect(page[b.children] == "b1")
        }
    }

    @Test func sameValueRunsNothing() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: "x"), html.Div(id: output)]
        app.callback(Output(output.children), Input(input.value)) { value in
            log.note(value ?? "")
            return "seen"
        }
        try await app.test { page in
            try await page.set(input.value, "x")
            try await page.set(input.value, "y")
            #expect(log.all == ["x", "y"])
        }
    }

    @Test func twoInputsThatSetEachOtherComeToRest() async throws {
        let celsius = dcc.Input.id("celsius"), fahrenheit = dcc.Input.id("fahrenheit")
        let app = DashApp()
        app.layout = [dcc.Input(id: celsius, value: "0"), dcc.Input(id: fahrenheit, value: "32")]
        app.callback(
            Outputs(celsius.value.as(String.self), fahrenheit.value.as(String.self)),
            Input(celsius.value.as(String.self)),
            Input(fahrenheit.value.as(String.self))
        ) { celsius, fahrenheit in
            let (c, f) = (Double(celsius) ?? 0, Double(fahrenheit) ?? 0)
            if ctx.triggeredID == "fahrenheit" { return ("\(Int((f - 32) * 5 / 9))", fahrenheit) }
            return (celsius, "\(Int(c * 9 / 5 + 32))")
        }
        try await app.test { page in
            try await page.set("celsius", ["value": "100"])
            #expect(page["fahrenheit", "value"] == "212")
            try await page.set("fahrenheit", ["value": "32"])
            #expect(page["celsius", "value"] == "0")
        }
    }

    @Test func severalCallbacksMayWriteOneProperty() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), dcc.Input(id: input), html.Div(id: output), html.Div(id: a)]
        app.callback(Output(output.children), Input(button.nClicks), preventInitialCall: true) { _ in "click" }
        app.callback(Output(output.children, allowDuplicate: true), Input(input.value), preventInitialCall: true) {
            "typed \($0 ?? "")"
        }
        app.callback(Output(a.children), Input(output.children), preventInitialCall: true) { "saw \($0.jsonText)" }
        try await app.test { page in
            try await page.click(button)
            #expect(page[output.children] == "click")
            try await page.type("x", into: input)
            #expect(page[output.children] == "typed x")
            #expect(page[a.children] == #"saw "typed x""#)
        }
    }

    @Test func newComponentsRunTheirCallbacks() async throws {
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = [html.Button("Go", id: button), html.Div(id: a)]
        app.callback(Output(a.children), Input(button.nClicks), preventInitialCall: true) { _ in
            html.Div([dcc.Input(id: input, value: "fresh"), html.Div(id: output)])
        }
        app.callback(Output(output.children), Input(input.value)) { "You said \($0 ?? "")" }
        try await app.test { page in
            #expect(!page.has(output))
            try await page.click(button)
            #expect(page.has(output))
            #expect(page[output.children] == "You said fresh")
            try await page.type("typed", into: input)
            #expect(page.text == "GoYou said typed")
        }
    }

    @Test func otherPropertiesAreSetByTheWay() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div(id: a), html.Div(id: b)]
        app.callback(NoOutput(), Input(button.nClicks), preventInitialCall: true) { clicks in
            setProps(a.children, "set \(clicks ?? 0)")
        }
        app.callback(Output(b.children), Input(a.children), preventInitialCall: true) { "saw \($0.jsonText)" }
        try await app.test { page in
            try await page.click(button)
            #expect(page[b.children] == #"saw "set 1""#)
        }
    }

    @Test func callbacksWithoutInputsRunAtLoad() async throws {
        let log = Recorder()
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div(id: a)]
        app.callback(Output(a.children)) { "loaded" }
        app.callback(NoOutput(), Input(button.nClicks)) { log.note("\($0 ?? 0)") }
        try await app.test { page in
            #expect(page[a.children] == "loaded")
            #expect(log.all == ["0"])
        }
    }

    @Test func propertiesThatHoldWhileItRunsCanBeSeen() async throws {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div(id: a)]
        app.callback(
            Output(a.children),
            Input(button.nClicks),
            running: [.set(button.disabled, to: true, finally: false)],
            preventInitialCall: true
        ) { _ in
            try await ctx.sleep(for: .seconds(3))
            return "done"
        }
        try await app.test { page in
            try await page.click(button)
            #expect(page.isBusy)
            #expect(page[button.disabled] == true)
            try await page.advance(by: .seconds(2))
            #expect(page[a.children] == nil)
            try await page.advance(by: .seconds(1))
            #expect(page[a.children] == "done")
            #expect(page[button.disabled] == false)
            #expect(!page.isBusy)
        }
    }
}
