import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("A second start replaces the first")
struct SupersedeTests {
    @Test("The old job is cancelled, its held poll is answered 204 immediately, and the new one runs")
    func secondClick() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let first = try await page.start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            async let old = page.poll(JobPage.click, first, n: 1)
            try await until("the held poll") { site.polls.count == 1 }
            let second = try await page.start(JobPage.secondClick, "oldJob=\(first)")
            #expect(try await old.status == 204)
            #expect(try await page.poll(JobPage.click, first, n: 2).status == 204)
            try await site.manager.end(of: try #require(site.manager.started.first))
            jobs.stage.open("begin 2")
            let answer = try await page.poll(JobPage.secondClick, second, n: 1)
            #expect(answer.json["progress"] == ["bar.value": "1", "bar.max": "2"])
            #expect(!jobs.stage.wasReached("half 1"))
        }
    }

    @Test("It also does so without oldJob: a quick second click precedes the first one's handle")
    func quickSecondClick() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let page = try await visit.open()
            async let first = page.post(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            async let second = page.post(JobPage.secondClick)
            #expect(try await first.status == 204)
            jobs.finish(2)
            #expect(try await second.json["progress"] == ["bar.value": "2", "bar.max": "2"])
        }
    }

    @Test("It also does so while the first is being stored")
    func secondClickDuringStart() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        let storing = Stage()
        site.manager.beforeStart { if $0 == 1 { try await storing.wait(for: "disk") } }
        try await site.serve { visit in
            let page = try await visit.open()
            async let first = page.post(JobPage.click)
            await storing.arrival(at: "disk")
            let second = try await page.start(JobPage.secondClick)
            storing.open("disk")
            #expect(try await first.status == 204)
            jobs.stage.open("begin 2")
            #expect(try await page.poll(JobPage.secondClick, second, n: 1).json["progress"]["bar.value"] == "1")
        }
    }

    @Test("Another tab of the same browser has its own job")
    func twoTabs() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            let tab = try await visit.open(cookie: page.cookie)
            _ = try await tab.start(JobPage.secondClick, "oldJob=\(job)")
            jobs.stage.open("begin 1")
            #expect(try await page.poll(JobPage.click, job, n: 1).json["progress"]["bar.value"] == "1")
        }
    }

    @Test("defect 7: other callbacks without outputs do not end a job without outputs")
    func otherCallbackWithoutOutputs() async throws {
        let stage = Stage()
        let app = DashApp()
        app.layout = html.Div()
        for name in ["one", "two"] {
            app.backgroundCallback(NoOutput(), Input("\(name)", "n_clicks"), preventInitialCall: true) { (_: Int) in
                try await stage.wait(for: name)
                setProps("log", ["children": "from \(name)"])
                try await stage.wait(for: "never")
            }
        }
        app.callback(NoOutput(), Input("three", "n_clicks"), preventInitialCall: true) { (_: Int) in }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let outputs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
            #expect(Set(outputs.compactMap(\.["output"].stringValue)).count == 3)
            let bodies = try outputs.map { spec in
                let input = try #require(spec["inputs"][0]["id"].stringValue)
                return call(try #require(spec["output"].stringValue), ["\(input).n_clicks": 1])
            }
            let job = try await page.start(bodies[0])
            // The renderer names the job, because it cannot distinguish the two callbacks.
            _ = try await page.start(bodies[1], "oldJob=\(job)")
            let regular = try await page.post(bodies[2], "oldJob=\(job)")
            #expect(regular.status == 204)
            stage.open("one")
            let answer = try await page.poll(bodies[0], job, n: 1)
            #expect(answer.json["sideUpdate"] == ["log": ["children": "from one"]])
        }
    }

    @Test(
        "An invalid or stale handle does not affect the request",
        arguments: ["oldJob=", "oldJob=forged", "oldJob=a.b&oldJob=%00", "cancelJob=forged", "cancelJob=&oldJob=x.y"]
    )
    func invalidOldJob(query: String) async throws {
        let jobs = JobPage()
        jobs.app.callback(Output("echo", "children"), Input("v", "value")) { (v: String) in v }
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let regular = try await page.post(call("echo.children", ["v.value": "x"]), query)
            #expect(regular.json["response"] == ["echo": ["children": "x"]])
            let job = try await page.start(JobPage.click, query)
            jobs.stage.open("begin 1")
            #expect(try await page.poll(JobPage.click, job, n: 1).json["progress"]["bar.value"] == "1")
        }
    }
}
