import DashJSON
import HTTPTypes
import Jobs
import Testing

@testable import Dash

@Suite("A click on a cancel button")
struct JobCancelTests {
    private let emptyAnswer = #"{"multi":true,"response":{}}"#

    @Test("It cancels the job it names: the held poll is answered 204 immediately")
    func cancelJob() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            async let held = page.poll(JobPage.click, job, n: 1)
            try await until("the held poll") { site.polls.count == 1 }
            let click = try await page.post(JobPage.cancelClick(visit), "cancelJob=\(job)")
            #expect(click.status == 200)
            #expect(click.text == emptyAnswer)
            #expect(try await held.status == 204)
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(JobPage.click, job, n: 2).status == 204)
            #expect(!jobs.stage.wasReached("half 1"))
        }
    }

    @Test("It is answered 503 with a notice while the queue cannot be reached, and works afterwards")
    func unreachable() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            site.manager.beforeCancel { throw JobsError(.storage, "The queue cannot be reached.") }
            let lost = try await page.post(JobPage.cancelClick(visit), "cancelJob=\(job)")
            #expect(lost.status == 503)
            #expect(lost.headers[.dashNotice]?.contains("could not be cancelled") == true)
            site.manager.beforeCancel {}
            #expect(try await page.post(JobPage.cancelClick(visit), "cancelJob=\(job)").text == emptyAnswer)
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(!jobs.stage.wasReached("half 1"))
        }
    }

    @Test("It cancels a job whose handle the page does not know yet; the start is answered 204")
    func beforeTheHandle() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let page = try await visit.open()
            async let start = page.post(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            let click = try await page.post(JobPage.cancelClick(visit))
            #expect(click.text == emptyAnswer)
            #expect(try await start.status == 204)
        }
    }

    @Test("It cancels a job that is still being stored")
    func duringTheStart() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        let storing = Stage()
        site.manager.beforeStart { _ in try await storing.wait(for: "disk") }
        try await site.serve { visit in
            let page = try await visit.open()
            async let start = page.post(JobPage.click)
            await storing.arrival(at: "disk")
            _ = try await page.post(JobPage.cancelClick(visit))
            storing.open("disk")
            #expect(try await start.status == 204)
        }
    }

    @Test("Without a running job the response is empty")
    func nothingRunning() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let click = try await page.post(JobPage.cancelClick(visit))
            #expect(click.status == 200)
            #expect(click.text == emptyAnswer)
        }
    }

    @Test("It does not cancel jobs of other pages or callbacks")
    func othersGoOn() async throws {
        let jobs = JobPage()
        let stage = jobs.stage
        jobs.app.backgroundCallback(Output("other", "children"), Input("go", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "other")
            return "other"
        }
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let otherBody = call("other.children", ["go.n_clicks": 1])
            let other = try await page.start(otherBody)
            let tab = try await visit.open(cookie: page.cookie)
            let tabJob = try await tab.start(JobPage.click)
            _ = try await page.post(JobPage.cancelClick(visit))
            stage.open("other")
            #expect(try await page.poll(otherBody, other, n: 1).json["response"]["other"]["children"] == "other")
            stage.open("begin 1")
            #expect(try await tab.poll(JobPage.click, tabJob, n: 1).json["progress"]["bar.value"] == "1")
        }
    }

    @Test("A finished job does not change")
    func finishedJob() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.finish()
            try await site.manager.end(of: try #require(site.manager.started.first))
            _ = try await page.post(JobPage.cancelClick(visit), "cancelJob=\(job)")
            _ = try await page.poll(JobPage.click, job, n: 1)
            let answer = try await page.poll(JobPage.click, job, n: 2)
            #expect(answer.json["response"]["out"]["children"] == "run 1 for nobody")
        }
    }
}
