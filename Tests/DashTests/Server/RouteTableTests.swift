import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("S12: access to every route")
struct RouteTableTests {
    private static let methods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
    private static let paths = [
        "", "_dash-layout", "_dash-dependencies", "_dash-update-component", "_reload-hash", "_favicon.ico",
        ClientScript.path, "_dash-component-suites/dash/dcc/async-graph.js", "_dash-component-suites/dash/none.js",
        "assets/none.css", "_health", "_dash-ws-callback", "_mcp", "any/other/path",
    ]

    /// Runs a test with an app at the root, another below it, and a job with a secret result.
    private func withSecret(
        _ test: @Sendable (_ visit: Visit, _ page: Page, _ job: String) async throws -> Void
    ) async throws {
        let stage = Stage()
        let app = DashApp(name: "jobs")
        app.layout = html.Div()
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "end")
            return "top secret"
        }
        let site = DashSite()
        site.mount(app, at: "/")
        let other = DashApp()
        other.layout = html.Div()
        site.mount(other, at: "/other/")
        try await TestSite(site: site).serve { visit in
            let page = try await visit.open()
            let body = call("out.children", ["run.n_clicks": 1])
            let job = try await page.start(body)
            stage.open("end")
            try await test(visit, page, job)
            #expect(try await page.poll(body, job, n: 1).json["response"]["out"]["children"] == "top secret")
        }
    }

    @Test("Only the callback route accepts methods other than GET and HEAD, and rejects other sites and sessions")
    func guardedRoutes() async throws {
        try await withSecret { visit, page, job in
            let body = call("out.children", ["run.n_clicks": 1]).serialized()
            for path in Self.paths.flatMap({ ["/\($0)", "/other/\($0)"] }) {
                for method in Self.methods where method != .get && method != .head {
                    let query = "?endId=\(page.endID)&job=\(job)"
                    let foreign: HTTPFields = [
                        .contentType: "application/json", .cookie: page.cookie, .secFetchSite: "cross-site",
                    ]
                    let crossSite = try await visit.ask(method, path + query, headers: foreign, body: body)
                    let isCallbacks = method == .post && path.hasSuffix("/_dash-update-component")
                    #expect(crossSite.status == (isCallbacks ? 403 : 405), "\(method) \(path)")
                    let stranger: HTTPFields = [.contentType: "application/json", .secFetchSite: "same-origin"]
                    let anonymous = try await visit.ask(method, path + "?job=\(job)", headers: stranger, body: body)
                    #expect(anonymous.status != 200 && anonymous.status != 204, "\(method) \(path)")
                    #expect(!(crossSite.text + anonymous.text).contains("secret"))
                }
            }
        }
    }

    @Test("GET neither returns job data nor changes state, with any query")
    func reading() async throws {
        try await withSecret { visit, page, job in
            for path in Self.paths.flatMap({ ["/\($0)", "/other/\($0)"] }) {
                let query = "?endId=\(page.endID)&job=\(job)&n=1&cancelJob=\(job)&oldJob=\(job)"
                for method in [HTTPRequest.Method.get, .head] {
                    let answer = try await visit.ask(method, path + query, headers: [.cookie: page.cookie])
                    #expect([200, 404].contains(answer.status), "\(method) \(path)")
                    #expect(!answer.text.contains("secret"))
                }
            }
        }
    }

    @Test("A job of one app is not accessible through another app of the site")
    func otherApp() async throws {
        try await withSecret { _, page, job in
            let foreign = Page(visit: page.visit, path: "/other/", cookie: page.cookie, endID: page.endID)
            let answer = try await foreign.poll(call("out.children", ["run.n_clicks": 1]), job, n: 1)
            #expect(answer.status == 500)
            #expect(!answer.text.contains("secret"))
        }
    }
}
