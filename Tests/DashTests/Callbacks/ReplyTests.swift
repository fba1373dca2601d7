import DashJSON
import HTTPTypes
import HummingbirdTesting
import Testing

@testable import Dash

@Suite("Headers and cookies of a callback's response")
struct ReplyTests {
    private func app(_ perform: @escaping @Sendable () throws -> Void) -> DashApp {
        let app = DashApp()
        app.layout = html.Div()
        app.callback(Output("out", "children"), Input("run", "n_clicks")) { (_: Int?) in
            try perform()
            return "done"
        }
        return app
    }

    private let click = call("out.children", ["run.n_clicks": 1])

    @Test("cookies with every attribute, headers replaced and added")
    func fields() async throws {
        let app = app {
            let head = try ctx.response
            try head.setCookie("plain", "1")
            try head.setCookie(
                "full",
                "2",
                maxAge: .seconds(60),
                path: "/a",
                domain: "example.org",
                isSecure: true,
                isHTTPOnly: true,
                sameSite: .strict
            )
            try head.setHeader("X-One", "first")
            try head.setHeader("X-One", "second")
            try head.appendHeader("X-Many", "a")
            try head.appendHeader("X-Many", "b")
        }
        try await TestSite(app).serve { visit in
            let answer = try await visit.open().post(click)
            let values = { (name: String) in HTTPField.Name(name).map { answer.headers[values: $0] } ?? [] }
            #expect(values("X-One") == ["second"])
            #expect(values("X-Many") == ["a", "b"])
            let full = "full=2; Max-Age=60; Domain=example.org; Secure; HttpOnly; Path=/a; SameSite=Strict"
            #expect(values("Set-Cookie") == ["plain=1; Path=/", full])
            #expect(answer.headers[.contentType] == "application/json")
            #expect(values("Server-Timing") == [])
        }
    }

    @Test(
        "invalid and reserved headers are errors",
        arguments: [("X\r\nY", "1"), ("X-A", "1\r\nSet-Cookie: a=b"), ("Content-Type", "text/html"), ("", "1")]
    )
    func refusedHeader(name: String, value: String) {
        let error = #expect(throws: DashError.self) { try CallbackReply().setHeader(name, value) }
        #expect(error?.code == .invalidHeader)
    }

    @Test("a cookie cannot contain separators", arguments: ["a;b", "a b", "a\nb", "ü", "a\"b"])
    func refusedCookie(value: String) {
        let error = #expect(throws: DashError.self) { try CallbackReply().setCookie("name", value) }
        #expect(error?.code == .invalidHeader)
        #expect(throws: DashError.self) { try CallbackReply().setCookie("name", "1", path: value) }
        #expect(throws: DashError.self) { try CallbackReply().setCookie("na me", "1") }
    }

    @Test("in debug the response has timings of the callback and its parts, also after an error")
    func timing() async throws {
        let app = app {
            ctx.recordTiming("look up", .milliseconds(2), description: #"a "table""#)
            #expect(ctx.timingInformation == ["look up": .milliseconds(2)])
            throw Broken()
        }
        let site = DashSite(debugConfiguration)
        site.mount(app, at: "/")
        try await TestSite(site: site).serve { visit in
            let answer = try await visit.open().post(click)
            #expect(answer.status == 500)
            let name = try #require(HTTPField.Name("Server-Timing"))
            let times = answer.headers[values: name]
            #expect(times.first?.hasPrefix("__dash_server;dur=") == true)
            #expect(times.dropFirst() == [#"look up;desc="a table";dur=2"#])
        }
    }

    private var debugConfiguration: SiteConfiguration {
        var configuration = SiteConfiguration()
        configuration.debug = true
        return configuration
    }

    @Test("a job has no response")
    func job() {
        let error = #expect(throws: DashError.self) { try makeContext().response }
        #expect(error?.code == .notInJob)
    }

    @Test("path, query, cookies, headers and address of the request, without the site's own cookie")
    func request() async throws {
        let app = app {
            let (path, query, cookies) = (try ctx.path, try ctx.query, try ctx.cookies)
            let (header, address) = (try ctx.headers["x-asked"], try ctx.remoteAddress)
            #expect(path.hasPrefix("/_dash-update-component?endId="))
            #expect(query["endId"]?.isEmpty == false)
            #expect(cookies == ["theme": "dark"])
            #expect(header == "yes")
            #expect(address == "127.0.0.1")
        }
        try await TestSite(app).serve(.live) { visit in
            var page = try await visit.open()
            page.cookie += "; theme=dark"
            let field = try #require(HTTPField.Name("X-Asked"))
            let answer = try await page.post(click, headers: [field: "yes"])
            #expect(answer.json["response"]["out"]["children"] == "done")
        }
    }
}
