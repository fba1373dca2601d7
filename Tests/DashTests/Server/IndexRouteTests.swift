import DashAGGrid
import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("The index page over HTTP")
struct IndexRouteTests {
    private func app() -> DashApp {
        let app = DashApp(title: "Tools & <b>more</b>", updateTitle: nil, suppressCallbackExceptions: true)
        app.layout = [html.Div("Hello", id: "out")]
        return app
    }

    @Test("The page has the parts that the renderer requires, in order")
    func parts() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.ask(.get, "/")
            #expect(page.status == 200)
            #expect(page.headers[.contentType] == "text/html; charset=utf-8")
            #expect(page.headers[.cacheControl] == "no-store")
            let inOrder = [
                "<!DOCTYPE html>", #"<meta charset="UTF-8">"#, "<title>Tools &amp; &lt;b&gt;more&lt;/b&gt;</title>",
                #"<link rel="icon" type="image/x-icon" href="/_favicon.ico"#, #"<div id="react-entry-point">"#,
                #"<script id="_dash-config" type="application/json">"#, "/deps/polyfill@7.", "/deps/react@18.",
                "/deps/react-dom@18.", "/deps/prop-types@15.", "/_dash-swift/client.", "/build/dash_renderer.",
                "/dcc/dash_core_components.", "/html/dash_html_components.", "/dash_table/bundle.",
                #"<script id="_dash-renderer" type="application/javascript">var renderer = new DashRenderer();</script>"#,
            ]
            var rest = page.text[...]
            for part in inOrder {
                let place = try #require(rest.firstRange(of: part), "\(part) is missing or out of order")
                rest = rest[place.upperBound...]
            }
        }
    }

    @Test("The configuration has the keys of stock Dash, in the same order")
    func configuration() async throws {
        // Without `websocket`, which this server does not have.
        let keys = [
            "url_base_pathname", "requests_pathname_prefix", "ui", "props_check", "disable_version_check",
            "show_undo_redo", "suppress_callback_exceptions", "update_title", "children_props", "serve_locally",
            "dash_version", "python_version", "dash_version_url", "ddk_version", "plotly_version",
            "validate_callbacks", "csrf_token_name", "csrf_header_name", "end_id", "plotly_cloud_installed",
        ]
        try await TestSite(app(), at: "/tools/").serve { visit in
            let config = try #require(try await visit.ask(.get, "/tools/").config)
            #expect(config.objectValue.map { Array($0.keys) } == keys)
            #expect(config["requests_pathname_prefix"] == "/tools/")
            #expect(config["suppress_callback_exceptions"] == true)
            #expect(config["update_title"] == .null)
            #expect(config["ui"] == false)
            #expect(config["validate_callbacks"] == false)
            #expect(config["children_props"]["dash_core_components"]["Tab"] == ["label"])
        }
    }

    @Test("In debug mode the page has developer tools and development builds")
    func debug() async throws {
        let site = try TestSite(app()) { $0.site.debug = true }
        try await site.serve { visit in
            let page = try await visit.ask(.get, "/")
            #expect(page.config?["ui"] == true)
            #expect(page.config?["props_check"] == true)
            #expect(page.config?["validate_callbacks"] == true)
            // The renderer would send a request to a host on the internet.
            #expect(page.config?["disable_version_check"] == true)
            #expect(page.text.contains("dash_renderer.v4_4_1m"))
            #expect(page.text.contains(".dev.js"))
        }
    }

    @Test("The configuration cannot end its script element")
    func escapedConfiguration() async throws {
        let app = DashApp(updateTitle: "</script><script>alert(1)</script><!--\u{2028}")
        app.layout = html.Div()
        try await TestSite(app).serve { visit in
            let page = try await visit.ask(.get, "/")
            #expect(!page.text.contains("alert(1)</script>"))
            #expect(page.text.contains(#"\u003c\u002fscript\u003e"#))
            #expect(page.config?["update_title"].stringValue == "</script><script>alert(1)</script><!--\u{2028}")
        }
    }

    @Test("A suite of the app loads between React and the renderer, with its own namespace")
    func suites() async throws {
        let app = DashApp(suites: [.agGrid])
        app.layout = html.Div()
        try await TestSite(app).serve { visit in
            let page = try await visit.ask(.get, "/")
            let grid = try #require(page.text.firstRange(of: "/dash_ag_grid/dash_ag_grid.v35_3_0m"))
            #expect(grid.lowerBound > (page.text.firstRange(of: "prop-types@15")?.upperBound ?? page.text.endIndex))
            #expect(grid.lowerBound < (page.text.firstRange(of: "dash_renderer.v")?.lowerBound ?? page.text.startIndex))
            #expect(page.config?["children_props"]["dash_ag_grid"] == ["AgGrid": []])
        }
    }

    @Test("The first page sets the session cookie, inaccessible to scripts and other sites")
    func cookie() async throws {
        try await TestSite(app()).serve { visit in
            let first = try await visit.ask(.get, "/")
            let cookie = try #require(first.headers[.setCookie])
            let name = try Regex("^dash_[0-9a-f]{8}=[A-Za-z0-9._-]+; Path=/; HttpOnly; SameSite=Lax$")
            #expect(cookie.contains(name))
            let pair = String(cookie.prefix { $0 != ";" })
            let second = try await visit.ask(.get, "/", headers: [.cookie: "theme=dark; \(pair)"])
            #expect(second.headers[.setCookie] == nil)
            #expect(second.config?["end_id"] != first.config?["end_id"])
            let forged = try await visit.ask(.get, "/", headers: [.cookie: "\(pair)x"])
            #expect(forged.headers[.setCookie] != nil)
        }
    }

    @Test("Behind a trusted proxy with https the cookie is Secure")
    func secureCookie() async throws {
        let https: HTTPFields = [.forwardedProto: "https"]
        let trusting = try TestSite(app()) { $0.site.trustsForwardedHeaders = true }
        try await trusting.serve { visit in
            let secure = try await visit.ask(.get, "/", headers: https)
            #expect(secure.headers[.setCookie]?.hasSuffix("; Secure") == true)
            let plain = try await visit.ask(.get, "/", headers: [.forwardedProto: "http"])
            #expect(plain.headers[.setCookie]?.contains("Secure") == false)
        }
        try await TestSite(app()).serve { visit in
            let answer = try await visit.ask(.get, "/", headers: https)
            #expect(answer.headers[.setCookie]?.contains("Secure") == false)
        }
    }

    @Test("Every other path of an app returns its page; HEAD has no body")
    func otherPaths() async throws {
        try await TestSite(app()).serve { visit in
            for path in ["/any/other/path", "/_dash-update-component", "/%2e%2e/x", "/?a=1"] {
                let page = try await visit.ask(.get, path)
                #expect(page.status == 200)
                #expect(page.config != nil)
            }
            let head = try await visit.ask(.head, "/")
            #expect(head.status == 200)
            #expect(head.headers[.contentType] == "text/html; charset=utf-8")
            #expect(head.bytes.isEmpty)
        }
    }
}
