import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Identity of users")
struct IdentityRouteTests {
    private struct NoUser: Error, CustomStringConvertible { let description = "log in first" }

    private let userHeader = HTTPField.Name("X-User")

    /// An app that reads the user's name from a header, as set by an authenticating proxy.
    private func app(_ stage: Stage = Stage()) -> DashApp {
        let app = DashApp()
        app.layout = html.Div()
        app.identify { request in
            guard let user = request.headers["x-user"] else { throw NoUser() }
            return user == "guest" ? nil : user
        }
        app.callback(Output("who", "children"), Input("v", "value")) { (_: String) in try ctx.owner }
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "end")
            return try ctx.owner
        }
        return app
    }

    @Test("The owner is the name from the app, otherwise the session")
    func named() async throws {
        try await TestSite(app()).serve { visit in
            let page = try await visit.open()
            let header = try #require(userHeader)
            let body = call("who.children", ["v.value": "x"])
            let ada = try await page.post(body, headers: [header: "ada"])
            #expect(ada.json["response"]["who"]["children"] == "user:ada")
            let session = try await page.post(body, headers: [header: "guest"])
            #expect(session.json["response"]["who"]["children"].stringValue?.hasPrefix("session:") == true)
        }
    }

    @Test("An error thrown by identify is 403, with its message in debug mode only")
    func refused() async throws {
        for isDebug in [false, true] {
            let site = try TestSite(app()) { $0.site.debug = isDebug }
            try await site.serve { visit in
                let page = try await visit.open()
                for body in [call("who.children", ["v.value": "x"]), call("out.children", ["run.n_clicks": 1])] {
                    let answer = try await page.post(body)
                    #expect(answer.status == 403)
                    #expect(answer.text.contains("log in first") == isDebug)
                }
                #expect(site.manager.started.isEmpty)
            }
        }
    }

    @Test("S2: a job belongs to its owner, even in the same browser and page")
    func owned() async throws {
        let stage = Stage()
        try await TestSite(app(stage)).serve { visit in
            let page = try await visit.open()
            let header = try #require(userHeader)
            let body = call("out.children", ["run.n_clicks": 1])
            let job = try #require(try await page.post(body, headers: [header: "ada"]).job)
            let eve = try await page.post(body, "job=\(job)", headers: [header: "eve"])
            #expect(eve.status == 403)
            let cancelled = try await page.post(body, "cancelJob=\(job)", headers: [header: "eve"])
            #expect(cancelled.status == 200)
            stage.open("end")
            let own = try await page.post(body, "job=\(job)", headers: [header: "ada"])
            #expect(own.json["response"]["out"]["children"] == "user:ada")
        }
    }
}
