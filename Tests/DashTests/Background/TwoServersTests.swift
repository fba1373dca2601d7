import DashJSON
import Jobs
import Testing

@testable import Dash

@Suite("Two servers of one site")
struct TwoServersTests {
    /// Runs a test with a page loaded from the first server, and the same page on the second.
    private func withTwoServers(
        _ jobs: JobPage,
        limits: PollLimits = PollLimits(),
        shortestPause: Duration = .zero,
        _ test: @escaping @Sendable (_ sites: [TestSite], _ pages: [Page]) async throws -> Void
    ) async throws {
        let sharedState = CommonSharedState(shortestPause: shortestPause)
        let first = try TestSite(jobs.app) {
            $0.sharedState = sharedState.server(0)
            $0.limits = limits
        }
        let second = try TestSite(besides: first, sharedState: sharedState.server(1)) { $0.limits = limits }
        try await first.serve { one in
            try await second.serve { two in
                let page = try await one.open()
                let other = Page(visit: two, path: page.path, cookie: page.cookie, endID: page.endID)
                try await test([first, second], [page, other])
            }
        }
    }

    @Test("A page moves between servers during a job")
    func aPageMoves() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs) { _, pages in
            let job = try await pages[0].start(JobPage.click)
            jobs.stage.open("begin 1")
            #expect(try await pages[1].poll(JobPage.click, job, n: 1).json["progress"]["bar.value"] == "1")
            jobs.finish()
            let last = try await pages[0].poll(JobPage.click, job, n: 2)
            #expect(last.json["progress"]["bar.value"] == "2")
            let result = try await pages[1].poll(JobPage.click, job, n: 3)
            #expect(result.json["response"]["out"]["children"] == "run 1 for nobody")
        }
    }

    @Test("A second click at the other server replaces the first job")
    func supersede() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs) { sites, pages in
            let job = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            async let held = pages[0].poll(JobPage.click, job, n: 1)
            try await until("the held poll") { sites[0].polls.count == 1 }
            _ = try await pages[1].start(JobPage.secondClick)
            #expect(try await held.status == 204)
        }
    }

    @Test("A click on cancel at the other server ends a job whose handle the page does not know yet")
    func cancel() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs) { sites, pages in
            _ = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            _ = try await pages[1].post(JobPage.cancelClick(pages[1].visit))
            try await sites[0].manager.end(of: try #require(sites[0].manager.started.first))
            #expect(!jobs.stage.wasReached("half 1"))
        }
    }

    @Test("A click on cancel that overtakes its start also ends the job")
    func cancelOvertakes() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs, shortestPause: .seconds(60)) { sites, pages in
            _ = try await pages[1].post(JobPage.cancelClick(pages[1].visit))
            #expect(try await pages[0].post(JobPage.click).status == 204)
            try await sites[0].manager.end(of: try #require(sites[0].manager.started.first))
            #expect(!jobs.stage.wasReached("half 1"))
        }
    }

    @Test("A start immediately after an effective click on cancel runs")
    func startAfterCancel() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs) { _, pages in
            _ = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            _ = try await pages[1].post(JobPage.cancelClick(pages[1].visit))
            let job = try await pages[0].start(JobPage.secondClick)
            jobs.stage.open("begin 2")
            #expect(try await pages[1].poll(JobPage.secondClick, job, n: 1).json["progress"]["bar.value"] == "1")
        }
    }

    @Test("With numbers, a cancel ends exactly the starts before it, on either server")
    func numbered() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs) { sites, pages in
            let cancel = try await JobPage.cancelClick(pages[1].visit)
            _ = try await pages[1].post(cancel, "order=2")
            #expect(try await pages[0].post(JobPage.click, "order=1").status == 204)
            let job = try await pages[0].start(JobPage.secondClick, "order=5")
            _ = try await pages[1].post(cancel, "order=4")
            #expect(try await pages[1].post(JobPage.click, "order=3").status == 204)
            jobs.stage.open("begin 2")
            #expect(try await pages[1].poll(JobPage.secondClick, job, n: 1).json["progress"]["bar.value"] == "1")
            _ = try await pages[1].post(cancel, "order=6")
            #expect(sites[0].manager.started.count == 1)
            try await sites[0].manager.end(of: try #require(sites[0].manager.started.first))
        }
    }

    @Test("onError runs once, and both servers return its result")
    func onErrorOnce() async throws {
        let handled = Counter()
        let (entered, go) = (Stage(), Stage())
        let jobs = JobPage { _ in
            entered.arrive(at: "onError")
            try await go.wait(for: "answer")
            return "handled \(handled.count())"
        }
        try await withTwoServers(jobs) { sites, pages in
            let job = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            sites[0].manager.alter { news in
                news.state = .failed
                news.failure = JobFailure(kind: .error, code: "test", message: "It broke.")
            }
            async let one = pages[0].poll(JobPage.click, job, n: 1)
            async let two = pages[1].poll(JobPage.click, job, n: 1)
            await entered.arrival(at: "onError")
            go.open("answer")
            let answers = try await [one, two]
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers.allSatisfy { $0.json["response"]["out"]["children"] == "handled 1" })
            #expect(try await pages[1].poll(JobPage.click, job, n: 2).text == answers[0].text)
        }
        #expect(handled.value == 1)
    }

    @Test("Polls of one browser are counted over both servers, and the oldest is released")
    func heldPolls() async throws {
        let jobs = JobPage()
        try await withTwoServers(jobs, limits: PollLimits(limit: 1, shortestHold: .zero)) { sites, pages in
            let job = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            async let first = pages[0].poll(JobPage.click, job, n: 1)
            try await until("the first held poll") { sites[0].polls.count == 1 }
            async let second = pages[1].poll(JobPage.click, job, n: 1)
            #expect(try await first.json == ["multi": true])
            try await until("the second held poll") { sites[1].polls.count == 1 }
            jobs.stage.open("begin 1")
            #expect(try await second.json["progress"]["bar.value"] == "1")
            #expect(sites.map(\.polls.count) == [0, 0])
        }
    }

    @Test("interval: counts from the last progress delivered by either server")
    func interval() async throws {
        let jobs = JobPage(interval: .seconds(3600))
        try await withTwoServers(jobs) { sites, pages in
            let job = try await pages[0].start(JobPage.click)
            jobs.stage.open("begin 1")
            #expect(try await pages[0].poll(JobPage.click, job, n: 1).json["progress"]["bar.value"] == "1")
            for step in ["half", "most"] { jobs.stage.open("\(step) 1") }
            await jobs.stage.arrival(at: "end 1")
            #expect(try await pages[1].poll(JobPage.click, job, n: 2).json["sideUpdate"] != nil)
            async let held = pages[1].poll(JobPage.click, job, n: 3)
            jobs.stage.open("end 1")
            #expect(try await held.status == 200)
        }
    }
}
