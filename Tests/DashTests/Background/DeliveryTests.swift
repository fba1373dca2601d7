import DashJSON
import HTTPTypes
import Jobs
import Testing

@testable import Dash

@Suite("Updates are delivered once, without loss")
struct DeliveryTests {
    @Test("F20: a repeated poll, after a lost response, gets the same updates")
    func retry() async throws {
        let jobs = JobPage()
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.stage.open("begin 1")
            let first = try await page.poll(JobPage.click, job, n: 1)
            #expect(first.json["progress"] == ["bar.value": "1", "bar.max": "2"])
            for _ in 0..<3 { #expect(try await page.poll(JobPage.click, job, n: 1).text == first.text) }
            jobs.stage.open("half 1")
            let second = try await page.poll(JobPage.click, job, n: 2)
            #expect(second.text == #"{"multi":true,"sideUpdate":{"side":{"children":"half way"}}}"#)
            #expect(try await page.poll(JobPage.click, job, n: 2).text == second.text)
        }
    }

    @Test("F20: updates during a lost response are delivered once, with the retry")
    func newsDuringRetry() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.stage.open("begin 1")
            _ = try await page.poll(JobPage.click, job, n: 1)
            jobs.stage.open("half 1")
            await jobs.stage.arrival(at: "most 1")
            let retry = try await page.poll(JobPage.click, job, n: 1)
            #expect(retry.json["progress"] == ["bar.value": "1", "bar.max": "2"])
            #expect(retry.json["sideUpdate"] == ["side": ["children": "half way"]])
            async let next = page.poll(JobPage.click, job, n: 2)
            try await until("the held poll") { site.polls.count == 1 }
            jobs.stage.open("most 1")
            #expect(try await next.text == #"{"multi":true,"progress":{"bar.value":"2","bar.max":"2"}}"#)
        }
    }

    @Test("The last progress and the result are in separate responses")
    func progressThenResult() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.finish()
            try await site.manager.end(of: try #require(site.manager.started.first))
            let first = try await page.poll(JobPage.click, job, n: 1)
            #expect(first.json["progress"] == ["bar.value": "2", "bar.max": "2"])
            #expect(first.json["sideUpdate"] == ["side": ["children": "half way"]])
            #expect(first.json["response"].isNull)
            let second = try await page.poll(JobPage.click, job, n: 2)
            #expect(second.text == #"{"multi":true,"response":{"out":{"children":"run 1 for nobody"}}}"#)
            // The response with the result may be lost, too.
            #expect(try await page.poll(JobPage.click, job, n: 2).text == second.text)
        }
    }

    @Test("Properties set just before completion come with the result, also for a retry, but not for a new poll")
    func propertiesWithResult() async throws {
        let stage = Stage()
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "end")
            setProps("side", ["children": "last words"])
            return "done"
        }
        let site = try TestSite(app)
        try await site.serve { visit in
            let page = try await visit.open()
            let body = call("out.children", ["run.n_clicks": 1])
            let job = try await page.start(body)
            stage.open("end")
            try await site.manager.end(of: try #require(site.manager.started.first))
            let whole =
                #"{"multi":true,"sideUpdate":{"side":{"children":"last words"}},"response":{"out":{"children":"done"}}}"#
            #expect(try await page.poll(body, job, n: 1).text == whole)
            #expect(try await page.poll(body, job, n: 1).text == whole)
            let later = try await page.poll(body, job, n: 2)
            #expect(later.text == #"{"multi":true,"response":{"out":{"children":"done"}}}"#)
        }
    }

    @Test("F21: of many values of a property only the last is delivered")
    func manyValues() async throws {
        let stage = Stage()
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(NoOutput(), Input("run", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "go")
            for value in 0..<10_000 { setProps("c\(value % 50)", ["children": value]) }
            stage.arrive(at: "sent")
            try await stage.wait(for: "end")
        }
        try await TestSite(app).serve { visit in
            let page = try await visit.open()
            let output = try await visit.ask(.get, "/_dash-dependencies").json[0]["output"].stringValue ?? ""
            let body = call(output, ["run.n_clicks": 1])
            let job = try await page.start(body)
            stage.open("go")
            await stage.arrival(at: "sent")
            let answer = try await page.poll(body, job, n: 1)
            let side = try #require(answer.json["sideUpdate"].objectValue)
            #expect(side.count == 50)
            for (id, props) in side {
                #expect(props["children"].intValue == 9950 + (Int(id.dropFirst()) ?? -1))
            }
            stage.open("end")
            #expect(try await page.poll(body, job, n: 2).text == #"{"multi":true,"response":{}}"#)
        }
    }
}

@Suite("The cursor of a poll")
struct PollCursorTests {
    @Test("A new number or none acknowledges, the same number repeats")
    func cursor() {
        let delivery = Delivery(poll: 3, from: 10, through: 14)
        #expect(PollCursor(delivery, number: 4).known == 14)
        #expect(PollCursor(delivery, number: 3).known == 10)
        #expect(PollCursor(delivery, number: 3).isRetry)
        #expect(PollCursor(delivery, number: nil).known == 14)
        #expect(PollCursor(delivery, number: nil).number == 4)
        #expect(!PollCursor(delivery, number: nil).isRetry)
        #expect(PollCursor(nil, number: 1).known == 0)
        #expect(PollCursor(nil, number: nil).known == 0)
        #expect(PollCursor(delivery, number: 4).delivery(through: 20) == Delivery(poll: 4, from: 14, through: 20))
    }
}
