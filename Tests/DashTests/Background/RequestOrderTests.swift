import DashJSON
import HTTPTypes
import Jobs
import Synchronization
import Testing

@testable import Dash

@Suite("Requests that arrive in another order than they left the page")
struct RequestOrderTests {
    /// Serves a page with a long job and its cancel button.
    private func withPage(
        _ test: @escaping @Sendable (JobPage, TestSite, Page, _ cancel: JSON) async throws -> Void
    ) async throws {
        let jobs = JobPage()
        let site = try TestSite(jobs.app)
        try await site.serve { visit in
            try await test(jobs, site, visit.open(), JobPage.cancelClick(visit))
        }
    }

    /// Lets a job take its first step and checks that the page gets its progress.
    private func goesOn(_ job: String, _ jobs: JobPage, _ page: Page, _ clicks: Int = 1) async throws {
        jobs.stage.open("begin \(clicks)")
        let body = clicks == 1 ? JobPage.click : JobPage.secondClick
        #expect(try await page.poll(body, job, n: 1).json["progress"]["bar.value"] == "1")
    }

    @Test("A start that arrives after a later cancel does not run")
    func startAfterItsCancel() async throws {
        try await withPage { _, site, page, cancel in
            let click = try await page.post(cancel, "order=2")
            #expect(click.status == 200)
            #expect(try await page.post(JobPage.click, "order=1").status == 204)
            #expect(site.manager.started.isEmpty)
        }
    }

    @Test("A cancel that arrives after a later start does not affect it")
    func cancelAfterTheNextStart() async throws {
        try await withPage { jobs, _, page, cancel in
            let job = try await page.start(JobPage.click, "order=2")
            #expect(try await page.post(cancel, "order=1").status == 200)
            try await goesOn(job, jobs, page)
        }
    }

    @Test("In order, a cancel ends the job, and a later start runs immediately")
    func inOrder() async throws {
        try await withPage { jobs, site, page, cancel in
            let first = try await page.start(JobPage.click, "order=1")
            _ = try await page.post(cancel, "order=2")
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(JobPage.click, first, n: 1).status == 204)
            try await goesOn(page.start(JobPage.secondClick, "order=3"), jobs, page, 2)
        }
    }

    @Test("A start after a cancel without effect runs immediately")
    func afterNothing() async throws {
        try await withPage { jobs, _, page, cancel in
            _ = try await page.post(cancel, "order=1")
            try await goesOn(page.start(JobPage.click, "order=2"), jobs, page)
        }
    }

    @Test("A job that is still being stored is ended by a later cancel, not by an earlier one")
    func duringTheStart() async throws {
        for (order, status) in [(3, 204), (1, 200)] {
            try await withPage { _, site, page, cancel in
                let storing = Stage()
                site.manager.beforeStart { _ in try await storing.wait(for: "disk") }
                async let start = page.post(JobPage.click, "order=2")
                await storing.arrival(at: "disk")
                _ = try await page.post(cancel, "order=\(order)")
                storing.open("disk")
                #expect(try await start.status == status)
            }
        }
    }

    @Test("Of two starts the one with the higher number runs, whichever arrives first")
    func swappedStarts() async throws {
        try await withPage { jobs, site, page, _ in
            let second = try await page.start(JobPage.secondClick, "order=2")
            #expect(try await page.post(JobPage.click, "order=1").status == 204)
            #expect(site.manager.started.count == 1)
            try await goesOn(second, jobs, page, 2)
        }
    }

    @Test("An earlier start does not run if the later one has already completed")
    func startAfterTheEndOfALater() async throws {
        try await withPage { jobs, site, page, _ in
            let second = try await page.start(JobPage.secondClick, "order=2")
            jobs.finish(2)
            try await site.manager.end(of: try #require(site.manager.started.first))
            try await until("the result") {
                !(try await page.poll(JobPage.secondClick, second).json["response"].isNull)
            }
            #expect(try await page.post(JobPage.click, "order=1").status == 204)
            #expect(site.manager.started.count == 1)
        }
    }

    @Test("A repeated start replaces itself")
    func twice() async throws {
        try await withPage { jobs, site, page, _ in
            let first = try await page.start(JobPage.click, "order=1")
            let again = try await page.start(JobPage.click, "order=1")
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(JobPage.click, first, n: 1).status == 204)
            try await goesOn(again, jobs, page)
        }
    }

    @Test("A named job is cancelled, whatever its number")
    func named() async throws {
        try await withPage { _, site, page, cancel in
            let job = try await page.start(JobPage.click, "order=5")
            _ = try await page.post(cancel, "cancelJob=\(job)&order=4")
            try await site.manager.end(of: try #require(site.manager.started.first))
            #expect(try await page.poll(JobPage.click, job, n: 1).status == 204)
        }
    }

    @Test("A cancel that names a job also ends an earlier start that arrives later")
    func namedAndOnItsWay() async throws {
        try await withPage { _, site, page, cancel in
            let job = try await page.start(JobPage.click, "order=1")
            _ = try await page.post(cancel, "cancelJob=\(job)&order=3")
            #expect(try await page.post(JobPage.secondClick, "order=2").status == 204)
            #expect(site.manager.started.count == 1)
        }
    }

    @Test("A cancel does not affect starts of another page or callback")
    func others() async throws {
        let jobs = JobPage(), stage = jobs.stage
        jobs.app.backgroundCallback(Output("other", "children"), Input("go", "n_clicks")) { (_: Int) in
            try await stage.wait(for: "other")
            return "other"
        }
        try await TestSite(jobs.app).serve { visit in
            let page = try await visit.open(), tab = try await visit.open(cookie: page.cookie)
            _ = try await page.post(JobPage.cancelClick(visit), "order=9")
            _ = try await page.start(call("other.children", ["go.n_clicks": 1]), "order=1")
            try await goesOn(tab.start(JobPage.click, "order=1"), jobs, tab)
        }
    }

    @Test(
        "Without a valid number, the order of arrival counts",
        arguments: [
            ("", "order=1"), ("order=9", ""), ("order=x", "order=1"), ("order=-1", "order=1"), ("order=9", "order="),
            ("order=9", "order=4503599627370497"), ("order=9", "order=1e3"), ("order=9", "order=%00"),
            ("order=9", "order=99999999999999999999999"), ("order=9&order=", "order=1"),
        ]
    )
    func noNumber(start: String, next: String) async throws {
        try await withPage { jobs, site, page, cancel in
            _ = try await page.start(JobPage.click, start)
            _ = try await page.post(cancel, next)
            try await site.manager.end(of: try #require(site.manager.started.first))
            _ = try await page.start(JobPage.click, start)
            let second = try await page.start(JobPage.secondClick, next == "order=1" ? "" : next)
            try await site.manager.end(of: site.manager.started[1])
            try await goesOn(second, jobs, page, 2)
        }
    }

    @Test("Valid numbers are 1 to 2⁵²")
    func numbers() {
        #expect(JobQuery("endId=a&order=1").order == 1)
        #expect(JobQuery("order=4503599627370496&n=2").order == 1 << 52)
        for text in ["", "0", "-1", "1.5", "4503599627370497", "x", "99999999999999999999", "%31%00"] {
            #expect(JobQuery("order=\(text)").order == nil)
        }
    }

    @Test("A start accesses the shared state twice: to take its slot, and to check that it still has it")
    func questions() async throws {
        let jobs = JobPage()
        let sharedState = CountingSharedState()
        try await TestSite(jobs.app) { $0.sharedState = sharedState }.serve { visit in
            let page = try await visit.open()
            _ = try await page.start(JobPage.click, "order=1")
            #expect(sharedState.questions == ["replace", "values"])
            _ = try await page.post(JobPage.cancelClick(visit), "order=2")
            #expect(sharedState.questions.dropFirst(2) == ["mark", "values", "remove"])
        }
    }
}

/// Records the calls.
private final class CountingSharedState: SharedState {
    private let base = LocalSharedState()
    private let asked = Mutex<[String]>([])
    var questions: [String] { asked.withLock { $0 } }

    private func note(_ name: String) -> LocalSharedState {
        asked.withLock { $0.append(name) }
        return base
    }

    func run() async throws { try await base.run() }

    func replace(
        _ place: String,
        in group: String,
        with value: SharedValue,
        watermarks: Set<String>,
        lifetime: Duration
    ) -> SlotReplacement {
        note("replace").replace(place, in: group, with: value, watermarks: watermarks, lifetime: lifetime)
    }

    func values(in group: String) -> [String: SharedValue] { note("values").values(in: group) }

    func remove(_ place: String, in group: String, ifStill text: String) -> Bool {
        note("remove").remove(place, in: group, ifStill: text)
    }

    func raiseWatermarks(_ names: Set<String>, in group: String, with order: Int) {
        note("mark").raiseWatermarks(names, in: group, with: order)
    }

    func memoize(
        _ name: String,
        lifetime: Duration,
        _ make: @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        try await note("once").memoize(name, lifetime: lifetime, make)
    }

    func startCooldown(_ name: String, for duration: Duration) { note("pause").startCooldown(name, for: duration) }

    func cooldown(_ name: String) -> Duration? { note("rest").cooldown(name) }

    func hold(_ holder: String, in group: String, limit: Int) {}

    func release(_ holder: String, in group: String) {}

    func releases() -> AsyncStream<String> { base.releases() }
}
