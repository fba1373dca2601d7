import Testing

@testable import Dash

@Suite("Findings about pages")
struct PageFindingTests {
    private func findings(_ register: (DashApp) -> Void) -> [String] {
        let app = DashApp()
        register(app)
        return app.findings.map(\.sentence)
    }

    @Test("an app that has only pages is valid and shows them")
    func plain() {
        let app = DashApp()
        app.page("/", layout: html.Div("one", id: "one"))
        app.page("/two/<id>") { visit in html.Div(visit["id"], id: "two") }
        app.notFoundPage { visit in "nothing at \(visit.path)" }
        #expect(app.findings.map(\.description) == [])
        #expect(app.layout.json == app.pageContainer.json)
    }

    @Test("a finding names file and line of the page")
    func place() {
        let app = DashApp()
        app.page("reports", layout: "")
        let line = #line - 1
        #expect(app.findings.first?.description.contains("PageFindingTests.swift:\(line): ") == true)
    }

    @Test("invalid and duplicate paths")
    func paths() {
        let found = findings { app in
            app.page("/a//b", layout: "")
            app.page("/same/<x>", layout: "")
            app.page("/same/<y>", layout: "")
            app.page("/x", pathTemplate: "/reports/<id>", layout: "")
        }
        #expect(found.count == 3)
        #expect(found[0].contains("two slashes"))
        #expect(found[1].contains("does not match its template"))
        #expect(found[2].contains("is used by the page at"))
    }

    @Test("invalid and duplicate redirections")
    func redirections() {
        let found = findings { app in
            app.page("/a", redirectFrom: ["old", "/<x>", "/b"], layout: "")
            app.page("/b", redirectFrom: ["/c"], layout: "")
            app.page("/d", redirectFrom: ["/c"], layout: "")
        }
        #expect(found.count == 4)
        #expect(found[0].contains("begin with a slash"))
        #expect(found[1].contains("has a variable"))
        #expect(found[2].contains("“/b” already leads to the page at"))
        #expect(found[3].contains("“/c” already leads to the page at"))
    }

    @Test("two not-found pages")
    func notFound() {
        let found = findings { app in
            app.notFoundPage(layout: "a")
            app.notFoundPage(layout: "b")
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("already has a not-found page") == true)
    }

    @Test("pages without a container in the layout, and a container without pages")
    func container() {
        let without = findings { app in
            app.page("/", layout: "")
            app.layout = html.Div("no place")
        }
        #expect(without.count == 1)
        #expect(without.first?.contains("Add app.pageContainer.") == true)
        let empty = findings { app in app.layout = [html.H1("pages"), app.pageContainer] }
        #expect(empty.count == 1)
        #expect(empty.first?.contains("has no pages") == true)
        let twice = findings { app in
            app.page("/", layout: "")
            app.layout = [app.pageContainer, app.pageContainer]
        }
        #expect(twice.contains { $0.contains("have the id _pages_content") })
    }

    @Test("ids must be unique in a page and its layout")
    func ids() {
        let found = findings { app in
            app.page("/", layout: html.Div([html.P(id: "twice"), html.P(id: "twice"), html.P(id: "nav")]))
            app.page("/other", layout: html.P(id: "twice"))
            app.layout = [html.Nav(id: "nav"), app.pageContainer]
        }
        #expect(found.count == 2)
        #expect(found[0].contains("id twice"))
        #expect(found[1].contains("the app's layout both have a component with the id nav"))
    }

    @Test("callbacks may use ids of all pages, but no others")
    func callbacks() {
        let found = findings { app in
            app.page("/", layout: html.Button(id: run))
            app.page("/other", layout: html.P(id: paragraph))
            app.callback(Output(paragraph.children), Input(run.nClicks)) { _ in "" }
            app.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("no component with the id title") == true)
    }

    @Test("ids of a page that is built by code are not checked, unless there is a validation layout")
    func unknown() {
        func register(_ app: DashApp) {
            app.page("/") { _ in html.Button(id: run) }
            app.callback(Output(title.children), Input(run.nClicks)) { _ in "" }
        }
        #expect(findings(register) == [])
        let checked = findings { app in
            register(app)
            app.page.validationLayout = html.Button(id: run)
        }
        #expect(checked.count == 1)
    }

    @Test("routing inputs must be in the app's layout")
    func routing() {
        let found = findings { app in
            app.page("/", layout: "")
            app.routingCallbackInputs = [State(title.title)]
        }
        #expect(found.count == 1)
        #expect(found.first?.contains("no component with the id title") == true)
    }
}
