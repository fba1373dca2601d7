import Dash
import DashTesting
import Testing

/// Users of a page: sessions, owners, cookies and headers; several users at once.
@Suite struct VisitorTests {
    let button = html.Button.id("button"), output = html.Div.id("output")

    private func whoAmI() -> DashApp {
        let app = DashApp()
        app.layout = [html.Button("Who?", id: button), html.Div(id: output)]
        app.callback(Output(output.children), Input(button.nClicks)) { _ in try ctx.owner }
        return app
    }

    @Test func twoPeopleAreTwoOwners() async throws {
        try await whoAmI().test { mine in
            let yours = try await mine.newBrowser(), tab = try await mine.newTab()
            let (first, second) = (mine[output.children], yours[output.children])
            #expect(first != nil && second != nil && first != second)
            #expect(tab[output.children] == first)
            #expect(mine.cookies.count == 1 && tab.cookies == mine.cookies)
        }
    }

    @Test func pagesHaveValuesOfTheirOwn() async throws {
        let input = dcc.Input.id("input")
        let app = DashApp()
        app.layout = [dcc.Input(id: input, value: ""), html.Div(id: output)]
        app.callback(Output(output.children), Input(input.value)) { "You said \($0 ?? "")" }
        try await app.test { mine in
            let yours = try await mine.newBrowser()
            try await mine.type("a", into: input)
            try await yours.type("b", into: input)
            #expect(mine[output.children] == "You said a")
            #expect(yours[output.children] == "You said b")
        }
    }

    @Test func jobsOfTwoPeopleRunSideBySide() async throws {
        try await Apps.progress().test { mine in
            let yours = try await mine.newBrowser()
            try await mine.click(Apps.run)
            try await mine.advance(by: .seconds(2))
            try await yours.click(Apps.run)
            #expect(mine[Apps.bar.value] == "2")
            #expect(yours[Apps.bar.value] == "0")
            try await yours.click(Apps.stop)
            try await mine.settle()
            #expect(mine[Apps.paragraph.children] == "Clicked 1 times")
            #expect(yours[Apps.paragraph.children] == "Button not clicked")
        }
    }

    @Test func identityComesFromAHeader() async throws {
        let app = whoAmI()
        app.identify { $0.headers["x-user"] }
        var options = TestOptions()
        options.headers["X-User"] = "mia"
        try await app.test(options) { mine in
            #expect(mine[output.children] == "user:mia")
            let yours = try await mine.newBrowser(headers: ["X-User": "tom"])
            #expect(yours[output.children] == "user:tom")
        }
    }

    @Test func refusedRequestIsAnError() async throws {
        let app = whoAmI()
        app.identify { request in
            guard let user = request.headers["x-user"] else { throw DiskIsFull() }
            return user
        }
        let error = await #expect(throws: TestError.self) { try await app.test { _ in } }
        #expect(error?.message.contains("status 403") == true)
    }

    @Test func cookiesGoAndCome() async throws {
        let app = DashApp()
        app.layout = [html.Button("Darker", id: button), html.Div(id: output)]
        app.callback(Output(output.children), Input(button.nClicks)) { clicks in
            if let clicks { try ctx.response.setCookie("theme", "dark\(clicks)") }
            return try ctx.cookie("theme") ?? "none"
        }
        var options = TestOptions()
        options.cookies["theme"] = "light"
        try await app.test(options) { page in
            #expect(page[output.children] == "light")
            try await page.click(button)
            #expect(page.cookies["theme"] == "dark1")
            try await page.click(button)
            #expect(page[output.children] == "dark1")
            page.cookies["theme"] = "blue"
            try await page.reload()
            #expect(page[output.children] == "blue")
        }
    }

    @Test func appsOfASiteAreTestedAtTheirPaths() async throws {
        let site = DashSite()
        let simple = DashApp(title: "Simple & good"), other = whoAmI()
        simple.layout = html.P("simple")
        site.mount(simple, at: "/simple/")
        site.mount(other, at: "/who/")
        site.page(at: "/", html: "<h1>Tools</h1>")
        try await site.test(at: "/simple/") { page in
            #expect(page.text == "simple")
            #expect(page.title == "Simple & good")
            try await page.open("/who/")
            #expect(page[output.children] != nil)
            try await page.open("/simple")
            #expect(page.location.pathname == "/simple/")
            let error = await #expect(throws: TestError.self) { try await page.open("/") }
            #expect(error?.message.contains("is not a page of a Dash app") == true)
        }
    }
}
