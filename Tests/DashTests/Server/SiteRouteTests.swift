import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("The routes of a site")
struct SiteRouteTests {
    private func app(_ text: String) -> DashApp {
        let app = DashApp()
        app.layout = html.Div(text)
        return app
    }

    private func site(_ set: (inout SiteConfiguration) -> Void = { _ in }) throws -> TestSite {
        var configuration = SiteConfiguration()
        set(&configuration)
        let site = DashSite(configuration)
        site.page(at: "/", html: "<h1>All</h1>")
        site.mount(app("one"), at: "/one/")
        site.mount(app("two"), at: "/one/two/")
        return try TestSite(site: site)
    }

    @Test("Each app has its own layout, dependencies and prefix; the longest path wins")
    func mounts() async throws {
        try await site().serve { visit in
            let div = { (text: String) -> JSON in
                ["props": ["children": .string(text)], "type": "Div", "namespace": "dash_html_components"]
            }
            for (path, text) in [("/one/", "one"), ("/one/two/", "two")] {
                let layout = try await visit.ask(.get, path + "_dash-layout")
                #expect(layout.json == div(text))
                #expect(layout.headers[.contentType] == "application/json")
                let dependencies = try await visit.ask(.get, path + "_dash-dependencies")
                #expect(dependencies.text == "[]")
                #expect(try await visit.ask(.get, path).config?["requests_pathname_prefix"] == .string(path))
            }
            #expect(try await visit.ask(.get, "/").text == "<h1>All</h1>")
        }
    }

    @Test("A path without its final slash is redirected with its query, only if something is served there")
    func redirects() async throws {
        try await site().serve { visit in
            for (path, target) in [("/one", "/one/"), ("/one/two", "/one/two/"), ("/one?a=1&b", "/one/?a=1&b")] {
                for method in [HTTPRequest.Method.get, .head] {
                    let answer = try await visit.ask(method, path)
                    #expect(answer.status == 308)
                    #expect(answer.headers[.location] == target)
                }
                #expect(try await visit.ask(.post, path, body: []).status != 308)
            }
            for path in ["/three", "//one", "/one/three", "/\\one", "/one%2f"] {
                #expect(try await visit.ask(.get, path).status != 308)
            }
        }
    }

    @Test("An app at the root does not shadow another app's path without the final slash")
    func rootApp() async throws {
        let site = DashSite()
        site.mount(app("root"), at: "/")
        site.mount(app("one"), at: "/one/")
        try await TestSite(site: site).serve { visit in
            let redirect = try await visit.ask(.get, "/one")
            #expect(redirect.headers[.location] == "/one/")
            let other = try await visit.ask(.get, "/other")
            #expect(other.config?["requests_pathname_prefix"] == "/")
        }
    }

    @Test("Other methods are rejected, and unknown paths are not found")
    func methods() async throws {
        try await site().serve { (visit: Visit) async throws in
            for method in [HTTPRequest.Method.put, .delete, .patch, .options] {
                #expect(try await visit.ask(method, "/one/").status == 405)
                #expect(try await visit.ask(method, "/one/_dash-update-component").status == 405)
            }
            for path in ["/one/", "/one/nothing-here", "/one/_dash-layout", "/one/assets/x.js"] {
                #expect(try await visit.ask(.post, path, body: Array("{}".utf8)).status == 405)
            }
            #expect(try await visit.ask(.get, "/nowhere").status == 404)
            #expect(try await visit.ask(.post, "/nowhere", body: []).status == 404)
        }
    }

    @Test("Health, reload hash, icon and the package's script are served")
    func infrastructure() async throws {
        try await site().serve { visit in
            let health = try await visit.ask(.get, "/_health")
            #expect(health.status == 200)
            #expect(health.text == "OK")
            let hash = try await visit.ask(.get, "/one/_reload-hash")
            #expect(hash.headers[.contentType] == "application/json")
            #expect(hash.json == ["reloadHash": .null, "hard": false, "packages": [], "files": []])
            for path in ["/_favicon.ico", "/one/_favicon.ico"] {
                let icon = try await visit.ask(.get, path)
                #expect(icon.headers[.contentType] == "image/x-icon")
                #expect(icon.bytes.prefix(6) == [0, 0, 1, 0, 1, 0])
                #expect(icon.bytes.count == 1150)
            }
            let script = try await visit.ask(.get, "/one/" + ClientScript.path)
            #expect(script.headers[.contentType] == "text/javascript; charset=utf-8")
            #expect(script.headers[.cacheControl] == "public, max-age=31536000, immutable")
            #expect(script.bytes == ClientScript.bytes)
        }
        try await site { $0.healthPath = nil }.serve { visit in
            let answer = try await visit.ask(.get, "/_health")
            #expect(answer.status == 404)
        }
    }

    @Test("A proxy's prefix precedes every URL, whether or not the proxy strips it")
    func prefix() async throws {
        try await site { $0.pathPrefix = "/tools/" }.serve { visit in
            for path in ["/one/", "/tools/one/"] {
                let page = try await visit.ask(.get, path)
                #expect(page.config?["requests_pathname_prefix"] == "/tools/one/")
                #expect(page.text.contains(#"src="/tools/one/_dash-component-suites/dash/"#))
                #expect(page.text.contains(#"href="/tools/one/_favicon.ico"#))
                #expect(try await visit.ask(.get, path + "_dash-layout").json["type"] == "Div")
            }
            for path in ["/one", "/tools/one"] {
                #expect(try await visit.ask(.get, path).headers[.location] == "/tools/one/")
            }
            #expect(try await visit.ask(.get, "/tools").headers[.location] == "/tools/")
            #expect(try await visit.ask(.get, "/tools/").text == "<h1>All</h1>")
            #expect(try await visit.ask(.get, "/tools/_health").text == "OK")
        }
    }
}

@Suite("The layout over HTTP")
struct LayoutRouteTests {
    @Test("A layout function runs for each load, with the request")
    func function() async throws {
        let loads = Counter()
        let app = DashApp()
        app.layout { request in
            html.P(
                "\(loads.count()) \(request.path) \(request.headers["x-user"] ?? "-") \(request.cookies["a"] ?? "-")"
            )
        }
        let site = try TestSite(app, at: "/x/") { $0.site.pathPrefix = "/tools/" }
        try await site.serve { visit in
            let user = try #require(HTTPField.Name("X-User"))
            let first = try await visit.ask(
                .get,
                "/x/_dash-layout?q=1",
                headers: [user: "ada", .cookie: "b=2; a=1"]
            )
            #expect(first.json["props"]["children"] == "1 /_dash-layout?q=1 ada 1")
            let second = try await visit.ask(.get, "/tools/x/_dash-layout")
            #expect(second.json["props"]["children"] == "2 /_dash-layout - -")
        }
    }

    @Test("An error thrown by the layout is 500, with its message in debug mode only")
    func throwingFunction() async throws {
        struct Gone: Error, CustomStringConvertible { let description = "the table is gone" }
        for isDebug in [false, true] {
            let app = DashApp()
            app.layout { _ in throw Gone() }
            let site = try TestSite(app) { $0.site.debug = isDebug }
            try await site.serve { visit in
                let answer = try await visit.ask(.get, "/_dash-layout")
                #expect(answer.status == 500)
                #expect(answer.text.contains("the table is gone") == isDebug)
                #expect(try await visit.ask(.get, "/").status == 200)
            }
        }
    }

    @Test("A layout may be a list of components and strings")
    func list() async throws {
        let app = DashApp()
        app.layout = [html.Div("a"), "b"]
        try await TestSite(app).serve { visit in
            let layout = try await visit.ask(.get, "/_dash-layout").json
            #expect(layout[0]["type"] == "Div")
            #expect(layout[1] == "b")
        }
    }
}
