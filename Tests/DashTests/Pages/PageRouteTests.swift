import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Routes of an app with pages")
struct PageRouteTests {
    private static let routing = ".._pages_content.children..._pages_store.data.."

    private func go(_ page: Page, to path: String, _ search: String = "") async throws -> (content: JSON, title: String)
    {
        let answer = try await page.post(
            call(Self.routing, ["_pages_location.pathname": .string(path), "_pages_location.search": .string(search)])
        )
        try #require(answer.status == 200, "\(answer.text)")
        let response = answer.json["response"]
        return (response["_pages_content"]["children"], response["_pages_store"]["data"]["title"].stringValue ?? "")
    }

    @Test("an address selects the page, its variables and its query")
    func visits() async throws {
        let app = DashApp(title: "Tools")
        app.page("/", layout: "home")
        app.page("/reports/<id>", title: .by { "Report \($0["id"] ?? "")" }) { visit in
            "\(visit["id"] ?? ""), \(visit.query["page"] ?? "first"), \(visit.request.headers["x-who"] ?? "")"
        }
        try await TestSite(app, at: "/tools/").serve { visit in
            let page = try await visit.open("/tools/")
            #expect(try await go(page, to: "/tools/") == ("home", "Tools"))
            #expect(try await go(page, to: "/tools/reports/a%20b", "?page=2") == ("a b, 2, ", "Report a b"))
            #expect(try await go(page, to: "/tools/other") == (html.H1("404 - Page not found").json, "Tools"))
        }
    }

    @Test("a layout that throws PageNotFound shows the not-found page; other errors are server errors")
    func notFound() async throws {
        let app = DashApp()
        app.notFoundPage(title: "Gone") { visit in "nothing at \(visit.path)" }
        app.page("/reports/<id>") { visit in
            guard visit["id"] != "broken" else { throw DashError(.wrongResult, "broken") }
            throw PageNotFound()
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            #expect(try await go(page, to: "/reports/7") == ("nothing at /reports/7", "Gone"))
            #expect(try await go(page, to: "/elsewhere") == ("nothing at /elsewhere", "Gone"))
            let broken = try await page.post(
                call(Self.routing, ["_pages_location.pathname": "/reports/broken", "_pages_location.search": ""])
            )
            #expect(broken.status == 500)
        }
    }

    @Test("Values from an address are escaped in the title and meta tags of the index")
    func addressesAreText() async throws {
        let attack = #""><script>alert(1)</script>{%scripts%}"#,
            path = "/reports/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E%7B%25scripts%25%7D"
        let app = DashApp()
        app.page("/reports/<id>", title: .by { $0["id"] ?? "" }, description: .by { $0["id"] ?? "" }, layout: "report")
        try await TestSite(app).serve { visit in
            let index = try await visit.ask(.get, path)
            #expect(index.status == 200)
            #expect(!index.text.contains(attack))
            #expect(!index.text.contains("<script>alert"))
            #expect(index.text.contains("<title>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{%scripts%}</title>"))
        }
    }

    @Test("an earlier path redirects permanently, with the query and the proxy's prefix")
    func redirections() async throws {
        let app = DashApp()
        app.page("/new", redirectFrom: ["/old", "/very/old"], layout: "new")
        var options = TestSite.Options()
        options.site.pathPrefix = "/proxy/"
        let site = DashSite(options.site)
        site.mount(app, at: "/tools/")
        try await TestSite(site: site, options).serve { visit in
            for path in ["/proxy/tools/old?a=1", "/tools/very/old/?a=1"] {
                let answer = try await visit.ask(.get, path)
                #expect(answer.status == 301)
                #expect(answer.headers[.location] == "/proxy/tools/new?a=1")
            }
            #expect(try await visit.ask(.get, "/tools/new").status == 200)
            // A link within the page runs the callback, which cannot redirect.
            let page = try await visit.open("/tools/")
            #expect(try await go(page, to: "/proxy/tools/old").content == "new")
        }
    }

    @Test("every address is the index page, with the title of its page")
    func index() async throws {
        let app = DashApp()
        app.page("/a/<b>", title: .by { "<\($0["b"] ?? "")>" }, layout: "")
        try await TestSite(app).serve { visit in
            #expect(try await visit.ask(.get, "/a/7").text.contains("<title>&lt;7&gt;</title>"))
            let missing = try await visit.ask(.get, "/missing")
            #expect(missing.status == 200)
            #expect(missing.text.contains("<title>Dash</title>"))
        }
    }

    @Test("the meta tags equal those of Dash in Python", arguments: recordedMetas)
    func metas(path: String, title: String, description: String) async throws {
        let theirs = """
            <meta name="description" content="\(description)">
            <meta property="twitter:card" content="summary_large_image">
            <meta property="twitter:url" content="http://example.org\(path)">
            <meta property="twitter:title" content="\(title)">
            <meta property="twitter:description" content="\(description)">
            <meta property="twitter:image" content="">
            <meta property="og:title" content="\(title)">
            <meta property="og:type" content="website">
            <meta property="og:description" content="\(description)">
            <meta property="og:image" content="">
            <meta http-equiv="X-UA-Compatible" content="IE=edge">
            <meta charset="UTF-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            """
        let headers: HTTPFields = [.forwardedHost: "example.org"]
        var options = TestSite.Options()
        options.site.trustsForwardedHeaders = true
        let site = DashSite(options.site)
        site.mount(ConformanceApp.pages(), at: "/")
        try await TestSite(site: site, options).serve { visit in
            let ours = try await visit.ask(.get, path, headers: headers).text
            #expect(metas(in: ours) == theirs.split(separator: "\n").map(String.init))
        }
    }

    /// The recorded title and description of the `pages` app for two addresses.
    private static let recordedMetas = [
        ("/", "Home title", "Home description"), ("/asset/a-7", "Asset a-7", "default description"),
    ]

    private func metas(in text: String) -> [String] { text.matches(of: /<meta [^>]*>/).map { String($0.0) } }

    @Test("defect 24: meta tags include a proxy's prefix, images their full address")
    func defect24() async throws {
        let app = DashApp(assetsFolder: Recording.folder + "/index_options/assets")
        app.page("/a", title: "A", image: "pictures/a b.png", layout: "")
        app.page("/b", description: "about b", imageURL: "https://cdn.invalid/b.png", layout: "")
        var options = TestSite.Options()
        options.site.pathPrefix = "/proxy/"
        options.site.trustsForwardedHeaders = true
        let site = DashSite(options.site)
        site.mount(app, at: "/tools/")
        let headers: HTTPFields = [.forwardedHost: "example.org", .forwardedProto: "https"]
        try await TestSite(site: site, options).serve { visit in
            let first = try await visit.ask(.get, "/proxy/tools/a?x=1", headers: headers).text
            #expect(first.contains(#"property="og:title" content="A""#))
            #expect(first.contains(#"property="twitter:url" content="https://example.org/proxy/tools/a?x=1""#))
            #expect(first.contains(#"content="https://example.org/proxy/tools/assets/pictures/a%20b.png""#))
            let second = try await visit.ask(.get, "/tools/b", headers: headers).text
            #expect(second.contains(#"property="og:image" content="https://cdn.invalid/b.png""#))
            #expect(second.contains(#"name="description" content="about b""#))
        }
    }

    @Test("a page that fails without variables disables the browser's id check")
    func unchecked() async throws {
        let app = DashApp()
        app.page("/<id>") { visit in
            guard visit["id"] != nil else { throw PageNotFound() }
            return ""
        }
        try await TestSite(app).serve { visit in
            let config = try await visit.ask(.get, "/").config
            #expect(config?["suppress_callback_exceptions"] == true)
            #expect(config?["validation_layout"].isNull == true)
        }
    }

    @Test("dash 2680: if a job may outlive its page, the browser's id check is disabled")
    func outliving() async throws {
        func config(_ register: (DashApp) -> Void) async throws -> JSON {
            let app = DashApp()
            app.page("/", layout: [html.Button("Run", id: run), html.P("", id: paragraph)])
            register(app)
            let config = Box<JSON>()
            try await TestSite(app).serve { visit in config.value = try await visit.ask(.get, "/").config }
            return try #require(config.value)
        }
        let plain = try await config { $0.callback(Output(paragraph.children), Input(run.nClicks)) { _ in "" } }
        #expect(plain["suppress_callback_exceptions"] == false)
        #expect(plain["validation_layout"]["type"] == "Div")
        let job = try await config { $0.backgroundCallback(Output(paragraph.children), Input(run.nClicks)) { _ in "" } }
        #expect(job["suppress_callback_exceptions"] == true)
        let running = try await config { app in
            app.callback(
                Output(paragraph.children),
                Input(run.nClicks),
                running: [.set(run.disabled, to: true, finally: false)]
            ) { _ in "" }
        }
        #expect(running["suppress_callback_exceptions"] == true)
    }
}
