import DashJSON
import HTTPTypes
import HummingbirdTesting
import Jobs
import NIOCore
import Testing

@testable import Dash

@Suite("Held polls over HTTP")
struct HeldPollRouteTests {
    @Test("S13: a poll beyond the session's limit releases its oldest; other sessions do not count")
    func limit() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app) { $0.limits = PollLimits(limit: 2, shortestHold: .zero) }
        try await site.serve { visit in
            let first = try await visit.open()
            let tabs = [first, try await visit.open(cookie: first.cookie), try await visit.open(cookie: first.cookie)]
            let stranger = try await visit.open()
            var handles: [String] = []
            for page in tabs + [stranger] { handles.append(try await page.start(JobPage.click)) }
            async let oldest = tabs[0].poll(JobPage.click, handles[0], n: 1)
            try await until("the first poll") { site.polls.count == 1 }
            async let foreign = stranger.poll(JobPage.click, handles[3], n: 1)
            try await until("the stranger's poll") { site.polls.count == 2 }
            async let second = tabs[1].poll(JobPage.click, handles[1], n: 1)
            try await until("the second poll") { site.polls.count == 3 }
            async let third = tabs[2].poll(JobPage.click, handles[2], n: 1)
            #expect(try await oldest.text == #"{"multi":true}"#)
            jobs.stage.open("begin 1")
            for answer in [try await foreign, try await second, try await third] {
                #expect(answer.json["progress"]["bar.value"] == "1")
            }
        }
    }

    @Test("A closed connection releases its poll")
    func disconnect() async throws {
        let site = try TestSite(JobPage().app)
        try await site.serve(.live) { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            let browser = TestClient(host: "localhost", port: try #require(visit.client.port))
            browser.connect()
            try await browser.executeAndDontWaitForResponse(request(page, job))
            try await until("the held poll") { site.polls.count == 1 }
            try await browser.close(mode: .all)
            try await until("the poll's end") { site.polls.count == 0 }
        }
    }

    @Test("A graceful shutdown answers held polls immediately")
    func shutdown() async throws {
        let site = try TestSite(JobPage().app)
        let (answers, answer) = AsyncStream<Int>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await site.serve(.live) { visit in
                let page = try await visit.open()
                let job = try await page.start(JobPage.click)
                let browser = TestClient(
                    host: "localhost",
                    port: try #require(visit.client.port),
                    configuration: .init(timeout: .seconds(600))
                )
                browser.connect()
                Task {
                    answer.yield(try await browser.execute(request(page, job)).status.code)
                    try await browser.shutdown()
                }
                try await until("the held poll") { site.polls.count == 1 }
            }
        }
        #expect(await answers.first { _ in true } == 200)
    }

    private func request(_ page: Page, _ job: String) -> TestClient.Request {
        TestClient.Request(
            "/_dash-update-component?endId=\(page.endID)&job=\(job)&n=1",
            method: .post,
            authority: "localhost",
            headers: [.contentType: "application/json", .cookie: page.cookie],
            body: ByteBuffer(bytes: JobPage.click.serialized())
        )
    }
}

@Suite("The interval between two deliveries of progress")
struct IntervalTests {
    /// A page that has received the first progress, an hour before the next is due.
    private func afterFirstProgress(
        _ test: @Sendable (_ site: TestSite, _ visit: Visit, _ page: Page, _ jobs: JobPage, String) async throws -> Void
    ) async throws {
        let jobs = JobPage(interval: .seconds(3600))
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            let page = try await visit.open()
            let job = try await page.start(JobPage.click)
            jobs.stage.open("begin 1")
            let first = try await page.poll(JobPage.click, job, n: 1)
            #expect(first.json["progress"]["bar.value"] == "1")
            #expect(try await page.poll(JobPage.click, job, n: 1).text == first.text)
            jobs.stage.open("half 1")
            let props = try await page.poll(JobPage.click, job, n: 2)
            #expect(props.json["sideUpdate"] == ["side": ["children": "half way"]])
            jobs.stage.open("most 1")
            await jobs.stage.arrival(at: "end 1")
            try await test(site, visit, page, jobs, job)
        }
    }

    @Test("New progress is delayed; completion is not, and the last progress precedes the result")
    func end() async throws {
        try await afterFirstProgress { site, _, page, jobs, job in
            async let held = page.poll(JobPage.click, job, n: 3)
            try await until("the held poll") { site.polls.count == 1 }
            jobs.stage.open("end 1")
            #expect(try await held.json["progress"]["bar.value"] == "2")
            let result = try await page.poll(JobPage.click, job, n: 4)
            #expect(result.json["response"]["out"]["children"] == "run 1 for nobody")
        }
    }

    @Test("A cancel is not delayed")
    func cancel() async throws {
        try await afterFirstProgress { site, visit, page, _, job in
            async let held = page.poll(JobPage.click, job, n: 3)
            try await until("the held poll") { site.polls.count == 1 }
            _ = try await page.post(JobPage.cancelClick(visit), "cancelJob=\(job)")
            #expect(try await held.status == 204)
        }
    }

    @Test("Only progress of a running job is delayed")
    func mayWait() async throws {
        let value = PropertyValue(id: "bar", property: "value", value: RawJSON("1"))
        var news = JobUpdate(id: .new, name: "", owner: "", page: "", version: "", state: .running)
        news.progress = [value]
        let pace = ProgressPace(sharedState: LocalSharedState())
        #expect(try await pace.wait(before: news, interval: .seconds(3600)) == nil)
        try await pace.delivered(news.id, interval: .seconds(3600))
        let wait = try #require(await pace.wait(before: news, interval: .seconds(3600)))
        #expect(wait > .zero && wait <= .seconds(3600))
        #expect(try await pace.wait(before: news, interval: .zero) == nil)
        news.props = [value]
        #expect(try await pace.wait(before: news, interval: .seconds(3600)) == nil)
        news.props = []
        for state in [JobState.cancelling, .cancelled, .succeeded, .failed, .lost, .timedOut] {
            news.state = state
            #expect(try await pace.wait(before: news, interval: .seconds(3600)) == nil)
        }
    }
}
