import DashJSON
import HTTPTypes
import Jobs
import Testing

@testable import Dash

// The numbers are those in docs/protocol.md, Defects of Dash 4.4.1. Numbers 4, 7, 10, 12 to 15, 20 and 23 are tested
// with the code they concern, and those of the renderer (6 to 9, 12 to 15, 21) also in the browser.
@Suite("Defects of stock Dash that are fixed here")
struct DefectTests {
    private let click = call("out.children", ["run.n_clicks": 1])

    private func app(
        cache: CachePolicy? = nil,
        _ perform: @escaping @Sendable (Int) async throws -> JSON
    ) -> DashApp {
        let app = DashApp(name: "defects")
        app.layout = html.Div()
        app.backgroundCallback(
            Output("out", "children"),
            Input("run", "n_clicks"),
            cache: cache,
            name: "work",
            perform: perform
        )
        return app
    }

    @Test("defect 1: two users with the same inputs have separate jobs and results")
    func ownResults() async throws {
        let runs = Counter(), stage = Stage()
        let site = try TestSite(
            app { _ in
                let run = runs.count()
                try await stage.wait(for: "end")
                return .int(run)
            }
        )
        try await site.serve { visit in
            let pages = [try await visit.open(), try await visit.open()]
            let jobs = [try await pages[0].start(click), try await pages[1].start(click)]
            stage.open("end")
            var results: Set<JSON> = []
            for (page, job) in zip(pages, jobs) {
                try await until("a result") {
                    let answer = try await page.poll(click, job)
                    try #require(answer.status == 200)
                    results.insert(answer.json["response"]["out"]["children"])
                    return !answer.json["response"].isNull
                }
            }
            #expect(results.subtracting([.null]) == [1, 2])
        }
    }

    @Test("defect 2: properties of two components set by a job both reach the page")
    func twoComponents() async throws {
        let stage = Stage()
        let site = try TestSite(
            app { _ in
                setProps("a", ["children": "first"])
                setProps("b", ["children": "second"])
                try await stage.wait(for: "end")
                return "done"
            }
        )
        try await site.serve { visit in
            let page = try await visit.open()
            let start = try await page.post(click)
            var side = start.json["sideUpdate"].objectValue ?? [:]
            try await until("both") {
                if side.count == 2 { return true }
                let answer = try await page.poll(click, start.job ?? "")
                for (id, value) in answer.json["sideUpdate"].objectValue ?? [:] { side[id] = value }
                return side.count == 2
            }
            #expect(JSON.object(side) == ["a": ["children": "first"], "b": ["children": "second"]])
            stage.open("end")
        }
    }

    @Test("defect 3: properties set by a job are sent once, not with the next poll or run, and its result is kept")
    func setOnce() async throws {
        let stage = Stage()
        let site = try TestSite(
            app(cache: .by({ 1 })) { _ in
                setProps("log", ["children": "once"])
                stage.arrive(at: "set")
                try await stage.wait(for: "end")
                return "done"
            }
        )
        try await site.serve { visit in
            let page = try await visit.open()
            let start = try await page.post(click)
            let job = try #require(start.job)
            await stage.arrival(at: "set")
            let first = start.json["sideUpdate"].isNull ? try await page.poll(click, job, n: 1) : start
            #expect(first.json["sideUpdate"] == ["log": ["children": "once"]])
            stage.open("end")
            try await site.manager.end(of: try #require(site.manager.started.first))
            let result = #"{"multi":true,"response":{"out":{"children":"done"}}}"#
            for number in 2...3 { #expect(try await page.poll(click, job, n: number).text == result) }
            let others = try await visit.open()
            for next in [page, page, others] { #expect(try await next.post(click).text == result) }
            #expect(site.manager.started.count == 1)
        }
    }

    @Test("defect 5: a start with a cached result runs nothing")
    func cachedStart() async throws {
        let runs = Counter()
        let site = try TestSite(app(cache: .by({ 1 })) { _ in .int(runs.count()) }) { $0.firstWait = .seconds(3600) }
        try await site.serve { visit in
            let page = try await visit.open()
            for _ in 1...2 { #expect(try await page.post(click).json["response"]["out"]["children"] == 1) }
        }
        #expect(runs.value == 1)
    }

    @Test("defects 6 and 19: the crash of a worker is an error with a status that the page shows")
    func deadWorker() async throws {
        let site = try TestSite(app { _ in "never" }) { $0.firstWait = .seconds(3600) }
        let crash = WorkerFailure(kind: .crash, code: "signal", message: "Trap.")
        site.executor.end("defects/work", with: .failed(crash))
        try await site.serve { visit in
            let answer = try await visit.open().post(click)
            #expect(answer.status == 500)
            #expect(!answer.bytes.isEmpty)
        }
    }

    @Test("defect 9: the response is valid JSON, whatever a callback returns")
    func validJSON() async throws {
        let site = try TestSite(app { _ in [.double(.nan), .double(.infinity), "\u{2028}\0"] }) {
            $0.firstWait = .seconds(3600)
        }
        try await site.serve { visit in
            let answer = try await visit.open().post(click)
            let json = try JSON(parsing: answer.bytes)
            #expect(json["response"]["out"]["children"] == [nil, nil, "\u{2028}\0"])
        }
    }

    @Test("defects 11 and 16 to 18: pages do not use WebSockets")
    func noWebSocket() async throws {
        let site = try TestSite(app { _ in "" })
        try await site.serve { visit in
            let config = try #require(try await visit.ask(.get, "/").config?.objectValue)
            #expect(config["websocket"] == nil)
            let specs = try await visit.ask(.get, "/_dash-dependencies").json.arrayValue ?? []
            #expect(specs.allSatisfy { $0["websocket"] == false })
        }
    }

    @Test("defect 19: the renderer shows the status of every error response", arguments: ["{", "[]", "{}"])
    func shownStatuses(body: String) async throws {
        let site = try TestSite(app { _ in "" })
        try await site.serve { visit in
            let page = try await visit.open()
            for query in ["", "job=forged", "job="] {
                let answer = try await page.post(bytes: Array(body.utf8), query)
                #expect(answer.status >= 400 && answer.status != 400 && answer.status != 401)
            }
        }
    }

    @Test("defect 22: reading the reload hash does not change it")
    func reloadHash() async throws {
        let site = try TestSite(app { _ in "" })
        try await site.serve { visit in
            let answers = [try await visit.ask(.get, "/_reload-hash"), try await visit.ask(.get, "/_reload-hash")]
            #expect(answers[0].status == 200 && answers[0].json["files"].arrayValue != nil)
            #expect(answers[0].json == answers[1].json)
        }
    }

    @Test("defect 24: meta tags are also on pages behind a proxy's prefix", arguments: ["", "any/page"])
    func metaTagsBehindPrefix(rest: String) async throws {
        let app = app { _ in "" }
        app.page.metaTags = [["name": "description", "content": "What this is about"]]
        let site = try TestSite(app, at: "/reports/") { $0.site.pathPrefix = "/proxy/" }
        try await site.serve { visit in
            let answer = try await visit.ask(.get, "/reports/\(rest)")
            #expect(answer.config?["requests_pathname_prefix"] == "/proxy/reports/")
            #expect(answer.text.contains(#"<meta name="description" content="What this is about">"#))
        }
    }
}
