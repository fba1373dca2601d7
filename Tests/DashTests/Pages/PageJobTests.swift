import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Jobs of pages")
struct PageJobTests {
    @Test("dash 2588: leaving a page cancels the job that is bound to its visit")
    func leaving() async throws {
        let stage = Stage(), app = app(stage)
        #expect(app.findings.map(\.description) == [])
        let site = try TestSite(app)
        try await site.serve { visit in
            let page = try await visit.open()
            let leave = try await leaving(visit)
            // The page's first address counts as a change.
            #expect(try await page.post(leave).status == 200)
            let job = try await page.start(start)
            await stage.arrival(at: "begin 1")
            async let held = page.poll(start, job, n: 1)
            try await until("the held poll") { site.polls.count == 1 }
            #expect(try await page.post(leave, "cancelJob=\(job)").status == 200)
            #expect(try await held.status == 204)
        }
    }

    @Test("A late address change cancels jobs by request order, not by arrival")
    func late() async throws {
        let stage = Stage(), site = try TestSite(app(stage))
        try await site.serve { visit in
            let page = try await visit.open()
            let way = try await leaving(visit)
            let job = try await page.start(start, "order=2")
            #expect(try await page.post(way, "order=1").status == 200)
            stage.open("begin 1")
            try await until("the result") { !(try await page.poll(start, job).json["response"].isNull) }
            #expect(try await page.post(way, "order=4").status == 200)
            #expect(try await page.post(start, "order=3").status == 204)
            #expect(site.manager.started.count == 1)
        }
    }

    private let start = call("paragraph_id.children", ["button_id.n_clicks": 1])

    /// An app whose job is cancelled when its page is left.
    private func app(_ stage: Stage) -> DashApp {
        let app = DashApp()
        app.page("/", layout: [html.Button("Run", id: run), html.P("", id: paragraph)])
        app.backgroundCallback(
            Output(paragraph.children),
            Input(run.nClicks),
            cancel: [Input(app.pageLocation.pathname)]
        ) { clicks in
            try await stage.wait(for: "begin \(clicks ?? 0)")
            return "done"
        }
        return app
    }

    /// The request that cancels jobs when the address changes.
    private func leaving(_ visit: Visit) async throws -> JSON {
        let all = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
        let entry = try #require(all.first { $0["output"].stringValue?.hasPrefix("_pages_location.id") == true })
        return call(entry["output"].stringValue ?? "", ["_pages_location.pathname": "/elsewhere"])
    }
}
