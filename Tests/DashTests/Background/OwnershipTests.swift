import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Ownership of jobs")
struct OwnershipTests {
    /// A page with a job that has progress.
    private func withJob(
        _ test: @Sendable (_ site: TestSite, _ visit: Visit, _ page: Page, _ job: String) async throws -> Void
    ) async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            try await test(site, visit, page, job)
            // The job continues, and its own page gets all of its progress.
            jobs.stage.open("begin 1")
            let own = try await page.poll(JobPage.click, job, n: 1)
            #expect(own.json["progress"] == ["bar.value": "1", "bar.max": "2"])
        }
    }

    @Test("S1: forged, empty and truncated handles are 403")
    func forged() async throws {
        try await withJob { _, _, page, job in
            let forgeries = [
                "", "1234", "x.y", String(job.dropLast()), job + "A", "A" + job, String(job.reversed()),
                job.replacing(".", with: ""), "%00", "%F0%9F%92%A9", String(repeating: "A", count: 5000),
            ]
            for forgery in forgeries {
                let answer = try await page.post(JobPage.click, "job=\(forgery)&n=1")
                #expect(answer.status == 403)
            }
        }
    }

    @Test("S1: a handle of another page, in the same or another browser, is 403")
    func foreign() async throws {
        try await withJob { _, visit, page, job in
            let secondTab = try await visit.open(cookie: page.cookie)
            #expect(try await secondTab.poll(JobPage.click, job, n: 1).status == 403)
            let stranger = try await visit.open()
            #expect(try await stranger.poll(JobPage.click, job, n: 1).status == 403)
            // A user who knows the handle and the page's token, but has another cookie.
            var thief = stranger
            thief.endID = page.endID
            #expect(try await thief.poll(JobPage.click, job, n: 1).status == 403)
            var mixed = page
            mixed.endID = stranger.endID
            #expect(try await mixed.poll(JobPage.click, job, n: 1).status == 403)
        }
    }

    @Test("S1: no start and no poll without a valid token")
    func noToken() async throws {
        try await withJob { (site: TestSite, _: Visit, page: Page, job: String) async throws in
            for token in ["", "abc", page.endID + "x", String(page.endID.dropFirst())] {
                var tokenless = page
                tokenless.endID = token
                #expect(try await tokenless.poll(JobPage.click, job, n: 1).status == 403)
                #expect(try await tokenless.post(JobPage.click).status == 403)
            }
            #expect(site.manager.started.count == 1)
        }
    }

    @Test("S1: another user with the token and handle can neither cancel nor replace the job")
    func noPower() async throws {
        try await withJob { _, visit, page, job in
            var thief = try await visit.open()
            thief.endID = page.endID
            let cancel = try await JobPage.cancelClick(visit)
            #expect(try await thief.post(cancel, "cancelJob=\(job)").json["response"] == [:])
            #expect(try await thief.post(JobPage.click, "oldJob=\(job)").status == 200)
        }
    }

    @Test("A page in a foreign frame works without cookies: its session is sealed into the page")
    func foreignFrame() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            var page = try await visit.open()
            page.cookie = "other=1"
            let job = try await page.start(JobPage.click)
            jobs.finish()
            try await until("the result") {
                try await page.poll(JobPage.click, job).json["response"]["out"]["children"] == "run 1 for nobody"
            }
        }
    }

    @Test("A handle of another callback's job is 403")
    func otherCallback() async throws {
        let jobs = JobPage()
        jobs.app.backgroundCallback(Output("other", "children"), Input("run", "n_clicks")) { (_: Int) in "other" }
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            let other = call("other.children", ["run.n_clicks": 1])
            #expect(try await page.poll(other, job, n: 1).status == 403)
        }
    }

    @Test("F22: browsers with the same inputs get their own results")
    func twoBrowsers() async throws {
        let app = DashApp()
        app.layout = html.Div()
        app.jobContext.cookies = ["user"]
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks")) { (_: Int) in
            "for \(try ctx.cookie("user") ?? "none")"
        }
        let site = try TestSite(app) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let body = call("out.children", ["run.n_clicks": 1])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        var page = try await visit.open()
                        page.cookie += "; user=u\(number)"
                        let answer = try await page.post(body)
                        #expect(answer.json["response"]["out"]["children"].stringValue == "for u\(number)")
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
