import Dash
import DashTesting
import Testing

/// Components with behavior beyond displaying their properties.
@Suite struct ComponentTests {
    let store = dcc.Store.id("store"), output = html.Div.id("output"), button = html.Button.id("button")

    @Test func storeTellsWhenItWasWritten() async throws {
        let app = DashApp()
        app.layout = [dcc.Store(id: store), html.Button("Go", id: button), html.Div(id: output)]
        app.callback(Output("store", "data"), Input(button.nClicks), preventInitialCall: true) { $0 ?? 0 }
        app.callback(
            Output(output.children),
            Input(store.modifiedTimestamp),
            State("store", "data"),
            preventInitialCall: true
        ) { (_, data: Int) in "\(data)" }
        try await app.test { page in
            #expect(page[output.children] == nil)
            try await page.click(button)
            #expect(page[output.children] == "1")
        }
    }

    @Test(arguments: StorageType.allCases) func storeKeepsWhatItShould(kind: StorageType) async throws {
        let app = DashApp()
        app.layout = [dcc.Store(id: store, storageType: kind), html.Button("Go", id: button), html.Div(id: output)]
        app.callback(Output("store", "data"), Input(button.nClicks), preventInitialCall: true) { $0 ?? 0 }
        app.callback(Output(output.children), Input("store", "data")) { (data: Int?) in data.map { "\($0)" } ?? "none" }
        try await app.test { page in
            try await page.click(button)
            #expect(page[output.children] == "1")
            try await page.reload()
            #expect(page[output.children] == (kind == .memory ? "none" : "1"))
            let tab = try await page.newTab()
            #expect(tab[output.children] == (kind == .local ? "1" : "none"))
            let other = try await page.newBrowser()
            #expect(other[output.children] == "none")
        }
    }

    @Test func intervalTicksByTheClock() async throws {
        let interval = dcc.Interval.id("interval")
        let app = DashApp()
        app.layout = [dcc.Interval(id: interval, interval: 500, maxIntervals: 4), html.Div(id: output)]
        app.callback(Output(output.children), Input(interval.nIntervals)) { "\($0 ?? 0) ticks" }
        try await app.test { page in
            #expect(page[output.children] == "0 ticks")
            try await page.advance(by: .milliseconds(499))
            #expect(page[output.children] == "0 ticks")
            try await page.advance(by: .milliseconds(501))
            #expect(page[output.children] == "2 ticks")
            try await page.until("the third tick") { page[interval.nIntervals] == 3 }
            try await page.advance(by: .seconds(60))
            #expect(page[output.children] == "4 ticks")
        }
    }

    @Test func tabsBeginWithTheFirst() async throws {
        let tabs = dcc.Tabs.id("tabs")
        let app = DashApp()
        app.layout = [
            dcc.Tabs([dcc.Tab(label: "One", value: "one"), dcc.Tab(label: "Two", value: "two")], id: tabs),
            html.Div(id: output),
        ]
        app.callback(Output(output.children), Input(tabs.value)) { "tab \($0 ?? "none")" }
        try await app.test { page in
            #expect(page[output.children] == "tab one")
            try await page.set(tabs.value, "two")
            #expect(page[output.children] == "tab two")
        }
    }

    @Test func downloadsAreKept() async throws {
        let download = dcc.Download.id("download")
        let app = DashApp()
        app.layout = [html.Button("Get", id: button), dcc.Download(id: download)]
        app.callback(Output("download", "data"), Input(button.nClicks), preventInitialCall: true) { clicks -> JSON in
            clicks == 1
                ? dict(content: "a,b\n1,2\n", filename: "rows.csv", type: "text/csv", base64: false)
                : dict(content: "AAEC", filename: "bytes.bin", base64: true)
        }
        try await app.test { page in
            try await page.click(button)
            try await page.click(button)
            #expect(page.downloads.map(\.filename) == ["rows.csv", "bytes.bin"])
            #expect(page.downloads[0].text == "a,b\n1,2\n")
            #expect(page.downloads[0].type == "text/csv")
            #expect(page.downloads[1].bytes == [0, 1, 2])
        }
    }

    @Test func fileIsUploaded() async throws {
        let upload = dcc.Upload.id("upload")
        let app = DashApp()
        app.layout = [dcc.Upload("Drop it here", id: upload), html.Div(id: output)]
        app.callback(
            Output(output.children),
            Input("upload", "contents"),
            State("upload", "filename"),
            preventInitialCall: true
        ) { (contents: String, filename: String) in "\(filename): \(contents)" }
        try await app.test { page in
            try await page.upload(Array("hi".utf8), filename: "hi.txt", type: "text/plain", to: upload)
            #expect(page[output.children] == "hi.txt: data:text/plain;base64,aGk=")
        }
    }

    @Test func whatIsTypedWithDebounceIsToldByEnter() async throws {
        let input = dcc.Input.id("input")
        let app = DashApp()
        app.layout = [
            Element(
                namespace: "dash_core_components",
                type: "Input",
                id: "input",
                props: ["value": "", "debounce": true]
            ), html.Div(id: output),
        ]
        app.callback(Output(output.children), Input(input.value), Input(input.nSubmit)) { value, submits in
            "\(value ?? "") after \(submits ?? 0)"
        }
        try await app.test { page in
            try await page.type("Oslo", into: input)
            #expect(page[output.children] == " after 0")
            try await page.submit(input)
            #expect(page[output.children] == "Oslo after 1")
            try await page.type("Bergen", into: input)
            try await page.blur(input)
            #expect(page[output.children] == "Bergen after 1")
        }
    }

    @Test func functionOfTheBrowserHasAStandIn() async throws {
        let input = dcc.Input.id("input"), loud = html.P.id("loud"), count = html.P.id("count")
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: "Dash"), html.P(id: loud), html.P(id: count)]
        app.clientsideCallback(
            "function (text) { return text.toUpperCase(); }",
            Output(loud.children),
            Input(input.value)
        )
        app.callback(Output(count.children), Input("loud", "children")) { (loud: String?) in "\(loud?.count ?? 0) signs"
        }

        let error = await #expect(throws: TestError.self) { try await app.test { _ in } }
        #expect(error?.code == .clientside)
        #expect(error?.message.contains("options.clientside(…)") == true)

        var options = TestOptions()
        options.clientside(loud.children) { values in .string((values[0].stringValue ?? "").uppercased() + "!") }
        try await app.test(options) { page in
            #expect(page[loud.children] == "DASH!")
            #expect(page[count.children] == "5 signs")
        }
        options = TestOptions()
        options.missingClientside = .skipped
        try await app.test(options) { page in
            #expect(page[loud.children] == nil)
            #expect(page[count.children] == nil)
        }
    }

    @Test func functionOfTheAssetsHasAStandIn() async throws {
        let a = html.P.id("a"), b = html.P.id("b")
        let app = DashApp()
        app.layout = [html.Button("Go", id: button), html.P(id: a), html.P(id: b)]
        app.clientsideCallback(
            ClientsideFunction(namespace: "charts", name: "zoom"),
            Outputs(a.children, b.children),
            Input(button.nClicks)
        )
        var options = TestOptions()
        options.clientside(namespace: "charts", name: "zoom") { values in
            guard !values[0].isNull else { throw PreventUpdate() }
            return ["in", "out"]
        }
        try await app.test(options) { page in
            #expect(page[a.children] == nil)
            try await page.click(button)
            #expect(page[a.children] == "in")
            #expect(page[b.children] == "out")
        }
    }
}
