import DashJSON
import Testing

@testable import Dash

@Suite("The pages of an app")
struct PageRegistryTests {
    @Test("pages are sorted by their order, then by registration")
    func order() {
        let app = DashApp()
        app.page("/c", layout: "")
        app.page("/b", order: 2, layout: "")
        app.page("/", layout: "")
        app.page("/a", order: 1.5, layout: "")
        #expect(app.pages.map(\.path) == ["/a", "/b", "/c", "/"])
    }

    @Test("the page / comes first if no page has an order")
    func unordered() {
        let app = DashApp()
        app.page("/c", layout: "")
        app.page("/", layout: "")
        app.page("/a", layout: "")
        #expect(app.pages.map(\.path) == ["/", "/c", "/a"])
    }

    @Test("names and titles are derived from the path by default")
    func names() {
        let app = DashApp()
        app.page("/", layout: "")
        app.page("/monthly-report_2", layout: "")
        app.page("/asset/<id>", layout: "")
        app.page("/x", name: "Own", title: .by { "X of \($0["id"] ?? "none")" }, layout: "")
        #expect(app.pages.map(\.name) == ["Home", "Monthly report 2", "Asset", "Own"])
        #expect(app.pages.map(\.title) == ["Home", "Monthly report 2", "Asset", "X of none"])
        #expect(app.pages.map(\.path) == ["/", "/monthly-report_2", "/asset/none", "/x"])
        #expect(app.pages.map(\.pathTemplate) == [nil, nil, "/asset/<id>", nil])
    }

    @Test("an app's title is the default title of its pages")
    func appTitle() {
        let app = DashApp(title: "Sales")
        app.page("/a", layout: "")
        app.page("/b", title: "B", layout: "")
        #expect(app.pages.map(\.title) == ["Sales", "B"])
    }

    @Test("exact paths take precedence, then paths with variables in order")
    func specific() throws {
        let app = DashApp()
        app.page("/<any>", layout: "")
        app.page("/reports", layout: "")
        app.page("/<kind>/<id>", order: 2, layout: "")
        app.page("/reports/<id>", order: 1, layout: "")
        let match = app.pageRegistry.match
        #expect(match("/reports")?.page.template.text == "/reports")
        #expect(match("/others")?.variables == ["any": "others"])
        #expect(match("/reports/7")?.variables == ["id": "7"])
        #expect(match("/others/7")?.variables == ["kind": "others", "id": "7"])
        #expect(match("/a/b/c") == nil)
    }

    @Test("a template may have another path for links")
    func ownPath() throws {
        let app = DashApp()
        app.page("/reports/latest", pathTemplate: "/reports/<id>", layout: "")
        #expect(app.pages.map(\.path) == ["/reports/latest"])
        #expect(app.pageRegistry.match("/reports/latest")?.variables == ["id": "latest"])
        #expect(app.pageRegistry.match("/reports/7")?.variables == ["id": "7"])
    }

    @Test("groups add their path and frames to their pages")
    func groups() async throws {
        let app = DashApp()
        let reports = app.pageGroup("/reports", name: "Reports") { page, visit in
            html.Section([html.H2(visit.path), html.Div(page)])
        }
        let old = reports.pageGroup("/old").pageGroup("/<year>", name: "Old") { page, _ in
            html.Div(page, className: "old")
        }
        reports.page("/", layout: "all")
        old.page("/<id>") { visit in "\(visit["year"] ?? "") \(visit["id"] ?? "")" }
        #expect(app.pages.map(\.path) == ["/reports", "/reports/old/none/none"])
        #expect(app.pages.map(\.groups) == [["Reports"], ["Reports", "Old"]])
        let visit = PageVisit(path: "/reports/old/1999/7", variables: ["year": "1999", "id": "7"])
        let content = try await app.pages[1].layout.content(for: visit).json
        let wanted = html.Section([html.H2("/reports/old/1999/7"), html.Div(html.Div("1999 7", className: "old"))])
        #expect(content == wanted.json)
    }

    @Test("links contain the mount path, even if created before the app is mounted")
    func links() {
        let app = DashApp()
        app.page("/a", layout: "")
        let links = [app.pages[0].link(), app.link("B", to: "/b?x=1", className: "c")]
        #expect(app.pages[0].relativePath == "/a")
        let site = DashSite(SiteConfiguration.behind("/proxy/"))
        site.mount(app, at: "/tools/")
        #expect(links.map { $0.json["props"]["href"] } == ["/proxy/tools/a", "/proxy/tools/b?x=1"])
        #expect(links.map { $0.json["props"]["children"] } == ["A", "B"])
        #expect(app.pages[0].relativePath == "/proxy/tools/a")
        #expect(app.relativePath("/") == "/proxy/tools/")
    }

    @Test("addresses are read with the proxy's prefix and without it")
    func addresses() {
        let place = PagePlace()
        place.settle(path: "/tools/", prefix: "/proxy/tools/")
        for address in ["/proxy/tools/a/b", "/proxy/tools/a/b/", "/tools/a/b"] {
            #expect(place.path(of: address) == "/a/b")
        }
        for address in ["/proxy/tools", "/proxy/tools/", "/tools"] { #expect(place.path(of: address) == "/") }
    }
}

extension SiteConfiguration {
    fileprivate static func behind(_ prefix: String) -> SiteConfiguration {
        var configuration = SiteConfiguration()
        configuration.pathPrefix = prefix
        return configuration
    }
}
