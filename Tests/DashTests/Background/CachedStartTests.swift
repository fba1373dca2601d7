import DashJSON
import HTTPTypes
import Testing

@testable import Dash

@Suite("Cached results over HTTP")
struct CachedStartTests {
    private let body = call("out.children", ["run.n_clicks": 1])

    private func site(
        _ cache: CachePolicy,
        _ perform: @escaping @Sendable (Int) async throws -> String
    ) throws -> TestSite {
        let app = DashApp()
        app.layout = html.Div()
        app.backgroundCallback(Output("out", "children"), Input("run", "n_clicks"), cache: cache, perform: perform)
        return try TestSite(app) {
            $0.firstWait = .seconds(3600)
            $0.site.debug = true
        }
    }

    @Test("A cache hit answers the first request and starts no job")
    func hit() async throws {
        let runs = Counter()
        let site = try site(.by({ 1 }, expire: .seconds(60))) { n in "run \(runs.count()) of \(n)" }
        try await site.serve { visit in
            let answer = #"{"multi":true,"response":{"out":{"children":"run 1 of 1"}}}"#
            let page = try await visit.open()
            #expect(try await page.post(body).text == answer)
            #expect(try await page.post(body).text == answer)
            // By default all users share results, as in Dash.
            let stranger = try await visit.open()
            #expect(try await stranger.post(body).text == answer)
            #expect(runs.value == 1)
            #expect(site.manager.started.count == 1)
            let other = try await page.post(call("out.children", ["run.n_clicks": 2]))
            #expect(other.json["response"]["out"]["children"] == "run 2 of 2")
        }
    }

    @Test("The key depends on the value of by, but not on ignored arguments")
    func key() async throws {
        let runs = Counter()
        let version = Counter()
        let ignoring = try site(.by({ version.value }, ignoring: [.index(0)])) { _ in "run \(runs.count())" }
        try await ignoring.serve { visit in
            let page = try await visit.open()
            for clicks in 1...3 {
                let answer = try await page.post(call("out.children", ["run.n_clicks": .int(clicks)]))
                #expect(answer.json["response"]["out"]["children"] == "run 1")
            }
            version.count()
            #expect(try await page.post(body).json["response"]["out"]["children"] == "run 2")
        }
    }

    @Test("The closure of by runs in the call's context")
    func contextOfTheKey() async throws {
        let runs = Counter()
        let site = try site(.by({ try ctx.cookie("theme") ?? ctx.triggeredID?.text })) { _ in "run \(runs.count())" }
        try await site.serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(body).json["response"]["out"]["children"] == "run 1")
            let initial = call("out.children", ["run.n_clicks": 1], changed: [])
            #expect(try await page.post(initial).json["response"]["out"]["children"] == "run 2")
            #expect(try await page.post(body).json["response"]["out"]["children"] == "run 1")
        }
    }

    @Test("S5: with the scope .session each session has its own result")
    func sessionScope() async throws {
        let runs = Counter()
        let site = try site(.by({ 1 }, scope: .session)) { _ in "\(runs.count()) \(try ctx.owner)" }
        try await site.serve { visit in
            let (ada, bob) = (try await visit.open(), try await visit.open())
            let first = try await ada.post(body).text
            let other = try await bob.post(body).text
            #expect(first != other)
            #expect(try await ada.post(body).text == first)
            #expect(try await visit.open(cookie: bob.cookie).post(body).text == other)
            #expect(runs.value == 2)
        }
    }

    @Test("S5: a shared job that reads cookies, headers or the owner fails, and the message names .session")
    func sharedScopeRefuses() async throws {
        let reads: [@Sendable () throws -> String?] = [
            { try ctx.cookie("user") }, { try ctx.header("accept") }, { try ctx.owner },
        ]
        for read in reads {
            let site = try site(.by({ 1 })) { _ in try read() ?? "" }
            try await site.serve { visit in
                let answer = try await visit.open().post(body)
                #expect(answer.status == 500)
                #expect(answer.text.contains("cache: .by(…, scope: .session)"))
            }
        }
    }

    @Test("F24: errors are not cached")
    func errors() async throws {
        struct Broken: Error {}
        let runs = Counter()
        let site = try site(.by({ 1 })) { _ in
            if runs.count() == 1 { throw Broken() }
            return "second"
        }
        try await site.serve { visit in
            let page = try await visit.open()
            #expect(try await page.post(body).status == 500)
            #expect(try await page.post(body).json["response"]["out"]["children"] == "second")
        }
    }

    @Test("An error of by is an error of the callback: 500, and no job starts")
    func throwingKey() async throws {
        struct NoTable: Error, CustomStringConvertible { let description = "no table" }
        let site = try site(.by({ () throws -> Int in throw NoTable() })) { _ in "" }
        try await site.serve { visit in
            let answer = try await visit.open().post(body)
            #expect(answer.status == 500)
            let story = ">NoTable: no table\n\nIn the background callback out.children, registered at "
            #expect(answer.text.contains(story))
            #expect(site.manager.started.isEmpty)
        }
    }

    @Test("A cache hit also replaces the page's running job")
    func hitSupersedes() async throws {
        let stage = Stage()
        let site = try site(.by({ 1 })) { n in
            if n == 2 { try await stage.wait(for: "never") }
            return "run \(n)"
        }
        try await site.serve { visit in
            let page = try await visit.open()
            _ = try await page.post(body)
            async let second = page.post(call("out.children", ["run.n_clicks": 2]))
            await stage.arrival(at: "never")
            #expect(try await page.post(body).json["response"]["out"]["children"] == "run 1")
            #expect(try await second.status == 204)
        }
    }
}

@Suite("Too many jobs")
struct BusyTests {
    @Test(
        "S13: a full queue is 503 with a notice, or the result of onError; a freed slot accepts a start",
        arguments: [false, true]
    )
    func fullQueue(isHandled: Bool) async throws {
        let handler: @Sendable (CallbackFailure) async throws -> String? = { "\($0.kind)" }
        let jobs = JobPage(onError: isHandled ? handler : nil)
        let site = try TestSite(jobs.app) {
            $0.maximumRunning = 1
            $0.site.queueLimit = 1
        }
        try await site.serve { visit in
            let pages = [try await visit.open(), try await visit.open(), try await visit.open()]
            _ = try await pages[0].start(JobPage.click)
            await jobs.stage.arrival(at: "begin 1")
            let waiting = try await pages[1].start(JobPage.secondClick)
            let refused = try await pages[2].post(JobPage.click)
            if isHandled {
                #expect(refused.json["response"]["out"]["children"] == "busy")
            } else {
                #expect(refused.status == 503)
                #expect(refused.text.hasPrefix("The server is busy."))
                #expect(refused.headers[.dashNotice] != nil)
            }
            jobs.finish(1)
            jobs.stage.open("begin 2")
            #expect(try await pages[1].poll(JobPage.secondClick, waiting, n: 1).json["progress"]["bar.value"] == "1")
            #expect(try await pages[2].post(JobPage.click).status == 200)
        }
    }

    @Test("S13: the number of unfinished jobs per owner is limited")
    func jobsPerOwner() async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app) { $0.site.jobsPerOwner = 1 }
        try await site.serve { visit in
            let page = try await visit.open()
            _ = try await page.start(JobPage.click)
            let tab = try await visit.open(cookie: page.cookie)
            #expect(try await tab.post(JobPage.click).status == 503)
            #expect(try await visit.open().post(JobPage.click).status == 200)
        }
    }
}
