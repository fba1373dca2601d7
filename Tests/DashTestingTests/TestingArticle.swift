// The samples of the article Testing; TestingArticleTests compares the two.
import Dash
import DashTesting
import Testing

enum Greeter {
    static let name = dcc.Input.id("name"), greet = html.Button.id("greet"), greeting = html.P.id("greeting")

    static func app() -> DashApp {
        let app = DashApp()
        app.layout = [dcc.Input(id: name, value: ""), html.Button("Greet", id: greet), html.P(id: greeting)]
        app.callback(
            Output(greeting.children),
            Input(greet.nClicks),
            State(name.value),
            preventInitialCall: true
        ) { clicks, name in
            guard let name, !name.isEmpty else { throw NameIsMissing() }
            return "Hello, \(name) (click \(clicks ?? 0))"
        }
        return app
    }
}

struct NameIsMissing: Error, CustomStringConvertible {
    var description: String { "the name is missing" }
}

@Suite struct GreeterTests {
    @Test func greetsByName() async throws {
        try await Greeter.app().test { page in
            try await page.type("Ada", into: Greeter.name)
            try await page.click(Greeter.greet)
            #expect(page[Greeter.greeting.children] == "Hello, Ada (click 1)")
        }
    }

    @Test func asksForAName() async throws {
        try await Greeter.app().test { page in
            let error = await #expect(throws: TestError.self) { try await page.click(Greeter.greet) }
            #expect(error?.message.contains("the name is missing") == true)
            #expect(page[Greeter.greeting.children] == nil)
        }
    }
}

enum Import {
    static let start = html.Button.id("start"), stop = html.Button.id("stop")
    static let bar = html.Progress.id("bar"), result = html.P.id("result")

    static func app() -> DashApp {
        let app = DashApp()
        app.layout = [
            html.Button("Import", id: start), html.Button("Stop", id: stop), html.Progress(id: bar), html.P(id: result),
        ]
        app.backgroundCallback(
            Output(result.children),
            Input(start.nClicks),
            running: [.set(start.disabled, to: true, finally: false)],
            cancel: [Input(stop.nClicks)],
            progress: Output(bar.value),
            preventInitialCall: true
        ) { setProgress, _ in
            for part in 1...3 {
                setProgress("\(part)")
                try await ctx.sleep(for: .seconds(60))
            }
            return "Import finished"
        }
        return app
    }
}

@Suite struct ImportTests {
    @Test func importsInThreeMinutes() async throws {
        try await Import.app().test { page in
            try await page.click(Import.start)
            #expect(page[Import.start.disabled] == true)
            #expect(page[Import.bar.value] == "1")

            try await page.advance(by: .seconds(60))
            #expect(page[Import.bar.value] == "2")

            try await page.settle()
            #expect(page[Import.result.children] == "Import finished")
            #expect(page.clock.now.offset == .seconds(180))
        }
    }

    @Test func stops() async throws {
        try await Import.app().test { page in
            try await page.click(Import.start)
            try await page.until("the second part") { page[Import.bar.value] == "2" }
            try await page.click(Import.stop)
            #expect(page[Import.start.disabled] == false)
            #expect(page.runningJobs == 0)
        }
    }

    @Test func doesNotDisturbOthers() async throws {
        try await Import.app().test { mine in
            let yours = try await mine.newBrowser()
            try await mine.click(Import.start)
            #expect(yours[Import.bar.value] == nil)
        }
    }
}

@Suite struct ListTests {
    static let add = html.Button.id("add"), list = html.Div.id("list"), count = html.P.id("count")
    static let item = html.P.family("item")

    static func app() -> DashApp {
        let app = DashApp()
        app.layout = [html.Button("Add", id: add), html.Div([html.Hr()], id: list), html.P(id: count)]
        app.callback(Output(list.children).patched, Input(add.nClicks), preventInitialCall: true) { clicks in
            var children = Patch()
            children.append(html.P("Item \(clicks ?? 0)", id: item[clicks ?? 0]))
            return children
        }
        app.callback(Output(count.children), Input(item.all.children)) { "\($0.count) items" }
        return app
    }

    @Test func growsByClicks() async throws {
        try await Self.app().test { page in
            #expect(page[Self.count.children] == "0 items")
            try await page.click(Self.add)
            try await page.click(Self.add)
            #expect(page[Self.item[2].children] == "Item 2")
            #expect(page[Self.item.all.children] == ["Item 1", "Item 2"])
            #expect(page["list", "children"]?.arrayValue?.count == 3)
            #expect(try page.text(of: "count") == "2 items")
        }
    }
}

@Suite struct VisitorSampleTests {
    static let who = html.P.id("who"), loud = html.P.id("loud"), name = dcc.Input.id("name")

    static func app() -> DashApp {
        let app = DashApp()
        app.layout = [dcc.Input(id: name, value: "ada"), html.P(id: who), html.P(id: loud)]
        app.identify { $0.headers["x-user"] }
        app.callback(Output(who.children)) { try ctx.owner }
        app.clientsideCallback(
            "function (name) { return name.toUpperCase(); }",
            Output(loud.children),
            Input(name.value)
        )
        return app
    }

    @Test func knowsItsUser() async throws {
        var options = TestOptions()
        options.headers["X-User"] = "mia"
        options.clientside(Self.loud.children) { values in .string((values[0].stringValue ?? "").uppercased()) }
        try await Self.app().test(options) { page in
            #expect(page[Self.who.children] == "user:mia")
            #expect(page[Self.loud.children] == "ADA")
        }
    }

    @Test func aSiteIsTestedAppByApp() async throws {
        let site = DashSite()
        site.mount(Greeter.app(), at: "/greeter/")
        site.mount(Import.app(), at: "/import/")
        try await site.test(at: "/greeter/") { page in
            #expect(page.has(Greeter.greet))
            try await page.open("/import/")
            #expect(page.has(Import.start))
        }
    }
}
