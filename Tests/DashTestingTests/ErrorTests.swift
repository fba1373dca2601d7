import Dash
import DashTesting
import Testing

/// Errors of the app and of the test.
@Suite struct ErrorTests {
    let button = html.Button.id("button"), output = html.Div.id("output")

    private func failing() -> DashApp {
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.Div("none", id: output)]
        app.callback(Output(output.children), Input(button.nClicks), preventInitialCall: true) { clicks in
            guard let clicks, clicks > 1 else { throw DiskIsFull() }
            return "fine"
        }
        return app
    }

    @Test func errorOfACallbackIsThrownWithItsMessage() async throws {
        try await failing().test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(button) }
            #expect(error?.code == .callback)
            #expect(error?.message.contains("The callback of output.children failed") == true)
            #expect(error?.message.contains("the disk was full at click 1") == true)
            #expect(page[output.children] == "none")
            try await page.click(button)
            #expect(page[output.children] == "fine")
            #expect(page.errors.count == 1)
        }
    }

    @Test func errorAtLoadIsThrownByTheTest() async throws {
        let app = DashApp()
        app.layout = html.Div(id: output)
        app.callback(Output(output.children)) { throw DiskIsFull() }
        let error = await #expect(throws: TestError.self) { try await app.test { _ in } }
        #expect(error?.message.contains("the disk was full") == true)
    }

    @Test func severalErrorsAreToldTogether() async throws {
        let other = html.Div.id("other")
        let app = failing()
        app.layout = [html.Button("Go", id: button), html.Div(id: output), html.Div(id: other)]
        app.callback(Output(other.children), Input(button.nClicks), preventInitialCall: true) { _ in throw DiskIsFull()
        }
        try await app.test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(button) }
            #expect(error?.message.contains("And 1 more:") == true)
            #expect(error?.message.contains("other.children") == true)
        }
    }

    @Test func mistakesInTheAppAreToldAsAtItsStart() async throws {
        let app = DashApp()
        app.layout = html.Div(id: output)
        app.callback(Output("missing", "children"), Input(output.children)) { _ in "x" }
        let error = await #expect(throws: DashError.self) { try await app.test { _ in } }
        #expect(error?.code == .findings)
        #expect(error?.message.contains("missing") == true)
    }

    @Test func layoutThatFailsIsTold() async throws {
        let app = DashApp()
        app.layout { _ in throw DiskIsFull() }
        let error = await #expect(throws: TestError.self) { try await app.test { _ in } }
        #expect(error?.code == .load)
        #expect(error?.message.contains("the disk was full") == true)
    }

    @Test func idThatIsNotThere() async throws {
        try await failing().test { page in
            let error = await #expect(throws: TestError.self) { try await page.click("buton") }
            #expect(error?.code == .unknownComponent)
            #expect(error?.message.contains("no component with the id buton. Its ids: button, output.") == true)
            #expect(throws: TestError.self) { try page.props(of: "buton") }
            #expect(throws: TestError.self) { try page.value(of: html.P.id("gone").children) }
            withKnownIssue { #expect(page["buton", "children"] == nil) }
        }
    }

    @Test func propertyThatNothingHas() async throws {
        try await failing().test { page in
            let error = await #expect(throws: TestError.self) {
                try await page.set("output", ["childen": "x"])
            }
            #expect(error?.code == .unknownProperty)
            #expect(error?.message.contains("output has no property childen") == true)
            withKnownIssue { #expect(page["output", "childen"] == nil) }
            // Used by a callback, although not set.
            #expect(page["button", "n_clicks"] == nil)
        }
    }

    @Test func valueOfAnotherType() async throws {
        try await failing().test { page in
            let number = output.prop("children", as: Int.self)
            let error = #expect(throws: TestError.self) { try page.value(of: number) }
            #expect(error?.code == .typeMismatch)
            #expect(error?.message.contains(#"output.children is "none", which is not a valid Int"#) == true)
            #expect(error?.message.contains(#"page["output", "children"]"#) == true)
            withKnownIssue { #expect(page[number] == nil) }
            let unset = #expect(throws: TestError.self) { try page.value(of: output.title) }
            #expect(unset?.code == .typeMismatch || unset == nil)
        }
    }

    @Test func disabledComponentCannotBeClicked() async throws {
        let app = DashApp()
        app.layout = html.Button("Go", id: button, disabled: true)
        try await app.test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(button) }
            #expect(error?.code == .disabled)
            #expect(error?.message.contains("button is disabled") == true)
        }
    }

    @Test func patternWhereOneComponentIsMeant() async throws {
        try await Apps.patterns().test { page in
            try await page.click(Apps.add)
            let error = await #expect(throws: TestError.self) { try await page.click(Apps.rowRun.match) }
            #expect(error?.code == .pattern)
            #expect(error?.message.contains("Use one of them, as in row[3]") == true)
        }
    }

    @Test func callbackWithHalfOfItsInputsMissing() async throws {
        let input = dcc.Input.id("input")
        let app = DashApp(suppressCallbackExceptions: true)
        app.layout = [html.Button("Go", id: button), html.Div(id: output)]
        app.callback(Output(output.children), Input(button.nClicks), Input(input.value), preventInitialCall: true) {
            _,
            _ in
            "x"
        }
        try await app.test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(button) }
            #expect(error?.message.contains("its input input.value is not on the page") == true)
        }
    }

    @Test func conditionThatDoesNotCome() async throws {
        try await failing().test { page in
            let error = await #expect(throws: TestError.self) {
                try await page.until("the output is fine") { page[output.children] == "fine" }
            }
            #expect(error?.code == .condition)
            #expect(error?.message.contains("the output is fine") == true)
        }
    }
}
